//! The signs that something is not explained, or no longer so.

use super::Sign;
use crate::model::Classification::DocumentationGap;

pub(super) const SIGNS: &[Sign] = &[
    // A text that explains a program.
    Sign {
        name: "manuals",
        speaks_for: DocumentationGap,
        weight: 24,
        words: "course, courses, exercise*, lesson*, onboarding, style guide, price list, info sheet, info page, \
            product page, landing page, known issues, kb, javadoc, docstring*, man, usage text, checklist*, \
            screen text, booklet*, brochure*, command reference, list of errors, list of codes, reference target, \
            help link, announcement, sheet, quick guide, f1, link to docs, docs page, quick reference, \
            screenshot*, sample config, user guide, message guide, cookbook*, walkthrough*, webinar*, \
            video course, course material, e learning, no article, no explanation, support ticket*, support gets, \
            support is asked, asked support, forum, questions about, question about, contact support, \
            phone support, staff asks, staff ask, users ask, customers ask, people ask, callers ask, undocumented, \
            translation, wording, template text, documentation, documented, docs, doc, manual, manuals, handbook*, \
            guide, guides, guideline*, readme, runbook*, playbook*, tutorial*, faq, wiki, release notes, \
            upgrade notes, migration notes, changelog, annex, appendix, procedure*, knowledge base, help page*, \
            help article*, help topic*, help text*, help centre, help center, help, man page, manpage, openapi, \
            swagger, api reference, reference, glossary, chapter*, instruction*, description, describ*, explain*, \
            explanation*, rule book, rulebook, code list, specification, spec, portal guide, developer portal, \
            migration page, page explains, example*, cheat sheet, quick start, getting started, how to, howto, \
            training, leaflet, legend, tooltip*, hint, mentions, mention, mentioned, recommends, support asks, \
            staff phone, keep asking, keeps asking, ask what, asks what, nobody knows, mib, text, \
            catalogue of errors, error catalogue, faqs, article, section, page, is silent",
    },
    // What was right in an earlier version.
    Sign {
        name: "age",
        speaks_for: DocumentationGap,
        weight: 22,
        words: "a thing of the past, thing of the past, is what there is, releases back, answers until, served until, \
            works until, accepted till, from now on, the old screen, describes the old, speaks of, closes in, \
            ends in, becomes, the old word, old word for, is the one to send, was thrown out, thrown out in, \
            any longer, is read until, never built, is deprecated, are deprecated, was deprecated, \
            been deprecated, marked deprecated, deprecated since, deprecated in, deprecated without, is obsolete, \
            are obsolete, marked obsolete, deprecated option*, deprecated setting*, is deprecated in, \
            is deprecated since, went away, went away with, away with, took away, taken away, is no more, \
            are no more, that is no more, last call, for the last year, after that only, honoured until, \
            honored until, until autumn, until spring, until summer, until winter, until the end, until release, \
            until version, accepted for now, for now, for the time being, served for now, replaces it, replaces, \
            its job is done by, is the thing to, is the one to, should speak, should move, should use, \
            should switch, should send, should call, please use, move over, switch over, last touched, \
            was last touched, last edited, last revised, dates from, sends people to, out of use, goes out of use, \
            on its last legs, last legs, takes its role, withdrawn, withdrawn in, kept for old, old spelling of, \
            next cycle, retired, was retired, its successor, is its successor, still calls, still uses, \
            still used by, keeps using, still call, still sends, takes its place, took its place, support ended, \
            end of support, support for, on its way out, way out, will stop working, stop working, stops working, \
            comes from release, known since, not known since, since release, since version, since cycle, \
            closes on, withdrawn with, one last time, please change over, change over, still accepted until, \
            accepted until, has been dropped, give up in, it is called, called now, in favour of, in favor of, \
            since january, going away, on the way out, to be removed, scheduled for removal, in place of, \
            gives way, formerly, used to be, was called, previously called, new name, now named, is now called, \
            removed with, retires, support ends, not supported since, last supported, goes in release, \
            future warning, deprecation warning, futurewarning, deprecationwarning, has had no, in its place, \
            its place, kept for compatibility, compatibility, predecessor, previous name, old spelling, \
            phased out, phase out, dropped in, dropped from, taken out, old syntax, new syntax, no replacement, \
            without replacement, replacement, still have it, still has it, deprecat*, obsolete, renamed, \
            superseded, replaced by, replaced with, was replaced, has moved, was moved, moved to, no longer, \
            not any more, any more, anymore, legacy, old name, was removed, has been removed, will be removed, \
            will go away, goes away, sunset, discontinued, end of life, outdated, out of date, old login, \
            no counterpart, migrate, migration guide, old format, use the, instead, removed in, removed since, \
            been removed, is gone in, gone in, no more, will disappear, disappears in, will be dropped, \
            is a setting of, only v2 counts",
    },
    // A text does not say what it should.
    Sign {
        name: "gaps",
        speaks_for: DocumentationGap,
        weight: 12,
        words: "keep asking, keeps asking, asked times this, did not find where, find where, guide skips, \
            has none of that name, of that name, skips it, its tooltip, hint shows, mistook, is vague, vague, \
            no help text, gives no, lacks it, does not define, not define, defines no, defines none, \
            never defines, has no word, no word, stops at, page is blank, wrote in, write in, writes in, \
            found out, nobody found, asked how, asks how, ask how, asked why, ask why, asked where, ask where, \
            stands for, what counts, what means, counts as, has been asked, is asked, tickets ask, got that wrong, \
            get that wrong, get it wrong, got it wrong, gets it wrong, mistake it for, ask when, ask what, \
            asked what, neither does, written nowhere, is written nowhere, knows no such, has no chapter, \
            leaves that out, never mentions, never says, never mention, says so nowhere, nowhere stated, \
            stated nowhere, gives no hint, no hint, not listed, are not listed, described on no page, on no page, \
            covers, nowhere, not covered, does not cover, covers only, leaves open, no word about, no word on, \
            nowhere described, nowhere explained, question, questions, keeps coming up, comes up often, \
            does not say, do not say, does not tell, does not list, does not mention, do not mention, \
            does not describe, does not explain, says nothing, is silent, not described, not documented, \
            not explained, not mentioned, described nowhere, explained nowhere, documented nowhere, \
            mentioned nowhere, undocumented, described by no one, no documented replacement, no documented, \
            no page, no chapter, no article, no entry, no explanation, no description, no instruction, \
            still tells, still says, still describes, still recommends, still shows, still lists, still names, \
            still offers",
    },
    // A notice that a setting is not known, or that something ages.
    Sign {
        name: "notices",
        speaks_for: DocumentationGap,
        weight: 14,
        words: "unexpected argument*, unknown argument*, unrecognized argument*, unrecognised argument*, \
            unexpected parameter*, is not something, something i know, carrying on without, carry on without, \
            known are, known is, valid are, not a setting, does not know, do not know, does not understand, \
            nothing known, there is a, unknown event name*, known ones, options are, option does not exist, \
            is not a known config, is not one this, no longer an option, is no longer an option, no longer known, \
            no longer known here, unknown event, is ignored since, unknown field name, unrecognised switch, \
            unrecognized switch, unknown switch, not known since, did you mean, has no such option, is no option, \
            is no setting, not a valid option, not a recognised option, unknown subcommand*, \
            unrecognised subcommand*, unrecognized subcommand*, no longer recognised, no longer recognized, \
            no longer understood, unknown option*, unknown setting*, unknown directive*, unknown flag, \
            unknown flags, unknown config*, unknown key name, unknown environment variable*, unknown env*, \
            unknown keyword*, unknown preference*, unknown property, unknown properties, unrecognised option*, \
            unrecognised setting*, unrecognised directive*, unrecognised flag, unrecognised flags, \
            unrecognised config*, unrecognised key name, unrecognised environment variable*, unrecognised env*, \
            unrecognised keyword*, unrecognised preference*, unrecognised property, unrecognised properties, \
            unrecognized option*, unrecognized setting*, unrecognized directive*, unrecognized flag, \
            unrecognized flags, unrecognized config*, unrecognized key name, unrecognized environment variable*, \
            unrecognized env*, unrecognized keyword*, unrecognized preference*, unrecognized property, \
            unrecognized properties, undefined option*, undefined setting*, undefined directive*, undefined flag, \
            undefined flags, undefined config*, undefined key name, undefined environment variable*, \
            undefined env*, undefined keyword*, undefined preference*, undefined property, undefined properties, \
            unexpected option*, unexpected setting*, unexpected directive*, unexpected flag, unexpected flags, \
            unexpected config*, unexpected key name, unexpected environment variable*, unexpected env*, \
            unexpected keyword*, unexpected preference*, unexpected property, unexpected properties, \
            unsupported option*, unsupported setting*, unsupported directive*, unsupported flag, \
            unsupported flags, unsupported config*, unsupported key name, unsupported environment variable*, \
            unsupported env*, unsupported keyword*, unsupported preference*, unsupported property, \
            unsupported properties, ignored option*, ignored setting*, ignored directive*, ignored flag, \
            ignored flags, ignored config*, ignored key name, ignored environment variable*, ignored env*, \
            ignored keyword*, ignored preference*, ignored property, ignored properties, unused option*, \
            unused setting*, unused directive*, unused flag, unused flags, unused config*, unused key name, \
            unused environment variable*, unused env*, unused keyword*, unused preference*, unused property, \
            unused properties, invalid option*, invalid setting*, invalid directive*, invalid flag, invalid flags, \
            invalid config*, invalid key name, invalid environment variable*, invalid env*, invalid keyword*, \
            invalid preference*, invalid property, invalid properties, no such option*, no such setting*, \
            no such directive*, no such flag, no such flags, no such config*, no such key name, \
            no such environment variable*, no such env*, no such keyword*, no such preference*, no such property, \
            no such properties, unknown key, unknown keys, unknown parameter, unexpected key, unexpected keys, \
            extra key, extra keys, is not an option, is not a setting, is not a known, unknown attribute, \
            additional property, additional properties, not documented, deprecated option*, deprecated setting*, \
            deprecated directive*, deprecated flag, deprecated flags, deprecated config*, deprecated key name, \
            deprecated environment variable*, deprecated env*, deprecated keyword*, deprecated preference*, \
            deprecated property, deprecated properties, obsolete option*, obsolete setting*, obsolete directive*, \
            obsolete flag, obsolete flags, obsolete config*, obsolete key name, obsolete environment variable*, \
            obsolete env*, obsolete keyword*, obsolete preference*, obsolete property, obsolete properties, \
            deprecation, deprecationwarning, deprecation warning, futurewarning, future warning, \
            pendingdeprecationwarning, is deprecated, are deprecated, was deprecated, been deprecated, \
            marked deprecated, deprecated since, deprecated in, deprecated without, is obsolete, are obsolete, \
            marked obsolete, has been renamed, have been renamed, was renamed, were renamed, renamed in, \
            renamed to, is superseded, was superseded, superseded by, will be removed, will be dropped, \
            will disappear, goes away in, has been removed, no longer supported, not supported any more, \
            not supported anymore, no longer read, no longer evaluated, no longer used, no longer has, \
            has been replaced, was replaced, is replaced by, replaced by",
    },
    // It has no effect.
    Sign {
        name: "no effect",
        speaks_for: DocumentationGap,
        weight: 9,
        words: "not understood and, and passed over, was not understood, no effect since, has looked at, \
            looked at it since, nothing has looked, decides, nobody reads this, reads this, did nothing, goes by, \
            fires no more, never evaluated, evaluated on none, not evaluated, evaluates it, nothing evaluates, \
            nobody evaluates, never read, not been evaluated, ignored, ignoring, ignores, no effect, \
            without effect, has an effect, an effect, had no effect, does nothing, do nothing, no meaning, \
            without meaning, no function, without function, nothing reads, nothing uses, nobody reads, not used, \
            unused, passed over, skipped, skipping, not read, no longer read, read no more, not applied, \
            is set but, set twice, given twice, accepted but, overridden, has no influence, discarded setting, \
            disregarded, have no effect, has no effect, no influence, never looked at, looked at by nothing, \
            is inert, not honoured, not honored, not respected, without influence, left aside, no use for, \
            does not count, is not counted, not looked at",
    },
    // What a program is set up with.
    Sign {
        name: "settings",
        speaks_for: DocumentationGap,
        weight: 9,
        words: "keyword, shortcut*, keybinding*, hotkey*, compose file, helm value*, annotation*, pragma, build flag, \
            compile flag, start parameter*, jvm option*, rule*, theme*, template variable*, placeholder*, \
            compatibility, option*, setting*, config, configuration, configured, mark:settings-file, flag, flags, \
            directive*, preference*, environment variable*, env var*, env, variable, propert*, feature toggle*, \
            toggle*, switch, key, keys, parameter*, keyword*, section*, profile, default, defaults, \
            using the default, cli, command line, argument, knob, ini, toml, conf, entry, shortcode*, keyring, \
            macro",
    },
    // What a program offers to others.
    Sign {
        name: "interface",
        speaks_for: DocumentationGap,
        weight: 11,
        words: "api, endpoint*, route, routes, method, call, calls, function, interface, field, parameter, response, \
            sdk, webhook, resource, operation, version, shortcode, command, format, code, alarm, error, button, \
            form, topic, message code",
    },
    // It is not there, or says something else.
    Sign {
        name: "lack",
        speaks_for: DocumentationGap,
        weight: 6,
        words: "no, not, missing, without, lacks, lack, lacking, undocumented, outdated, nowhere, absent, incomplete, \
            wrong, contradict*, differs, disagree*, unclear, empty, blank, broken, nothing, never, none, \
            unexplained, gone, stops at, stops after, ends at, ends after, ends with, breaks off, unfinished, \
            stale, dead, still says, still describes, still offers, still recommends, still shows, still mentions, \
            still names, still lists, deleted, does not, do not, leads nowhere, points to, refers to, links to, \
            linked from, old",
    },
    // The program does not know it.
    Sign {
        name: "unknown",
        speaks_for: DocumentationGap,
        weight: 5,
        words: "unknown, unrecogni*, not known, not recogni*, undefined, did you mean, misspelled, misspelt, typo, \
            not understood, no meaning, is not a known, unsupported, not supported, additional property",
    },
    // Written by what explains the program.
    Sign {
        name: "source of help",
        speaks_for: DocumentationGap,
        weight: 13,
        words: "source:help, source:docs, source:doc, source:manual, source:faq, source:wiki, source:guide, \
            source:handbook, source:support, source:tutorial, source:training",
    },
    // Written by what reads the settings.
    Sign {
        name: "source of settings",
        speaks_for: DocumentationGap,
        weight: 10,
        words: "source:config, source:settings, source:conf, source:cli, source:options, source:boot, source:setup, \
            source:configuration, source:startup",
    },
    // Has a name as settings have.
    Sign {
        name: "name of a setting",
        speaks_for: DocumentationGap,
        weight: 10,
        words: "mark:setting",
    },
    // How something should have been written.
    Sign {
        name: "form",
        speaks_for: DocumentationGap,
        weight: 14,
        words: "is read as, are read as, the service takes, written as, be written, must be written, to be written, \
            be given as, must be given as, be sent as, be spelled, stumbled on, stumbled over, we read, \
            understood as, read as, guessed to be, taken as, taken for, interpreted as, treated as, looks like, \
            alias, an alias, as an alias, is expected, are expected, is wanted, wanted, wants, spells, spelled, \
            spelling*, spelt, accepted spellings, names are, names must, e g, for example, as in, iso, goes with, \
            mix these up, stumble, this week, this month, this service, such as, is taken, how to, how do, \
            what does, tell day from, should read, must read, is spelled, is spelt, is written, are written, \
            in the form, format is, format expected, is meant, are meant, were meant, meant, which unit, \
            which format, assumed, assuming, is assumed, taken to be, ambiguous, no unit, easily confused, \
            confused with, mixed up with, mistaken for, expects",
    },
    // Tells its reader to do something else, or what something else is called.
    Sign {
        name: "advice",
        speaks_for: DocumentationGap,
        weight: 12,
        words: "please, mark:advice, mark:successor, takes its place, took its place, its successor, in its place, \
            in favour of, in favor of, replaced by, superseded by, renamed to, has moved, did you mean, \
            now called, it is called, instead",
    },
    // Names the version that something is so since.
    Sign { name: "version", speaks_for: DocumentationGap, weight: 5, words: "mark:version" },
    // Several people have the same trouble.
    Sign {
        name: "several people",
        speaks_for: DocumentationGap,
        weight: 11,
        words: "customers, users, people, partners, callers, visitors, integrators, clients, teams, operators, \
            members, participants, students, teachers, parents, readers, players, authors, subscribers, guests, \
            suppliers, vendors, buyers, sellers, merchants, agents, senders, farmers, tenants, resellers, \
            developers, staff, newcomers, beginners, consumers, contributors, maintainers, publishers, applicants, \
            employees, colleagues, admins, administrators, everybody, everyone, many, most, several",
    },
    // It is said in whole sentences.
    Sign {
        name: "prose",
        speaks_for: DocumentationGap,
        weight: 10,
        words: "the, it, this, and, is, are",
    },
    // A semicolon divides it: what is so, and what that means for its reader.
    Sign { name: "two clauses", speaks_for: DocumentationGap, weight: 12, words: "mark:clauses" },
    // It quotes something: a name of a setting or a text.
    Sign {
        name: "a name in quotes",
        speaks_for: DocumentationGap,
        weight: 13,
        words: "mark:quoted",
    },
    // Names a path.
    Sign { name: "path", speaks_for: DocumentationGap, weight: 3, words: "mark:path" },
];
