//! The signs that a problem is of a caller's making.

use super::Sign;
use crate::model::Classification::ClientMisuse;

pub(super) const SIGNS: &[Sign] = &[
    // How programs blame a caller: an answer of the 400s, a failed login.
    Sign {
        name: "blame",
        speaks_for: ClientMisuse,
        weight: 16,
        words: "unbalanced quot*, unterminated quot*, unterminated string*, unclosed quot*, unbalanced bracket*, \
            mark:4xx, bad request, unauthori*, unauthenticated, forbidden, method not allowed, not acceptable, \
            unsupported media, payload too large, content too large, entity too large, too large body, \
            unprocessable, too many requests, csrf, xsrf, rate limit*, throttl*, failed authentication, \
            authentication failed, authentication failure, authentication error, auth failed, failed auth, \
            login failed, failed login*, login failure, failed to log on, failed to log in, failed to sign in, \
            failed to authenticate, login incorrect, login error, login unsuccessful, failed password, \
            password failed, password incorrect, incorrect password, bad password, wrong password*, \
            wrong passwords, wrong pin, wrong code, invalid password, invalid user, invalid username, \
            invalid login, invalid credential*, bad credential*, wrong credential*, invalid user credentials, \
            invalid client credentials, invalid token, token expired, expired token, invalid signature, \
            bad signature, signature mismatch, invalid grant, invalid client, unauthorized client, invalid scope, \
            access denied, permissiondenied, access forbidden, validation failed, failed validation, \
            validation error*, validationerror*, validation exception, argument not valid, invalid argument, \
            invalid argument*, invalid parameter*, missing parameter*, parameter missing, param is missing, \
            missing field, missing required, required field, required parameter*, invalid request*, \
            malformed request*, invalid input*, invalid payload, invalid json, malformed json, invalid yaml, \
            invalid xml, invalid body, invalid header*, invalid query, invalid host, disallowed host, \
            untrusted host, invalid value*, syntax error at, brute force, auth attempts, authentication attempts, \
            login attempts, login attempt, client error, client sent, client offered, client intended, \
            caller sent, no authorization, not in sudoers, publickey denied, relay access denied, query rejected, \
            request rejected, rejected request, request refused, request denied, request blocked, zone transfer, \
            quota exceeded, exceeded quota, exceeded the quota, must be, must not be, must have, is required, \
            malformed body, malformed header*, malformed field*, malformed xml, malformed token*, malformed url, \
            malformed parameter*",
    },
    // What somebody may do.
    Sign {
        name: "rights",
        speaks_for: ClientMisuse,
        weight: 8,
        words: "his own, her own, their own, of his own, of her own, banned until, banned till, without training, \
            insufficient authority, insufficient rights, insufficient permission*, insufficient privilege*, \
            no write access, no read access, no access to, write access, is not theirs, are permitted, \
            usage terms, terms of use, protected branches, does not belong, do not belong, only guests, \
            lacks privilege, without an order, approved, without an approved, moderator, no permit, \
            without a permit, without licence, without a licence, no licence, none held, not a member, \
            is not a member, not the owner, is not the owner, holds no, without approval, without consent, \
            not licensed, members only, read scope, scope only, may only, are not allowed to, is not allowed to, \
            needs role, needs the role, lacks the, not allowed, not permitted, may not, not entitled, \
            not authori*, lacks permission, no permission, without permission, without authority, \
            without authori*, no authority, no authori*, no right*, insufficient scope, scope, role, not his, \
            not hers, not theirs, not ours, not its, not their, of another, of somebody else, belongs to, \
            belong to, does not own, not own, not in sudoers, outside its, outside his, outside hours, \
            outside their, not trusted, untrusted, not cleared, clearance, not whitelisted, not on the list, \
            allow list, allowlist",
    },
    // Somebody who uses the program, or what they use it with.
    Sign {
        name: "people",
        speaks_for: ClientMisuse,
        weight: 12,
        words: "craft, pleasure craft, yacht, yachts, klinikum, klinik, depositor*, agents, registrant*, fan, fans, \
            steward*, kunde, kunden, kundin, benutzer, nutzer, utilisateur*, usuario*, cliente, anwender, \
            teilnehmer, besucher, translator*, interpreter*, correspondent*, freelancer*, helper*, assistant*, \
            secretary, manager*, director*, treasurer, chairman, caretaker*, lifeguard*, instructor*, learner*, \
            graduate*, alumni, fellow*, delegate*, evaluator*, assessor*, surveyor*, appraiser*, adjuster*, \
            undertaker*, mourner*, priest, parish, congregation, deputy, mayor, councillor*, elector*, canvasser*, \
            juror*, hunter*, angler*, fisher*, beekeeper*, gardener*, forester*, carpenter*, mason, painter*, \
            roofer*, welder*, tailor*, jeweller*, florist*, grocer*, barista*, sommelier, spotter*, skater*, \
            surfer*, golfer*, rower*, dancer*, actor*, actress*, composer*, drummer*, pianist*, violinist*, \
            soloist*, narrator*, presenter*, podcaster*, blogger*, influencer*, poet*, novelist*, illustrator*, \
            animator*, modder*, broadcaster*, party to, parties, backer*, founder*, sponsor, pledger*, \
            consumer of, lessee, sublessee*, roommate*, flatmate*, proxy holder, guarantor*, debtor*, creditor*, \
            heir*, trustee*, executor*, tenderer, surgeon, dentist*, vet, vets, veterinarian*, paramedic*, \
            optician*, dietitian*, carer*, caregiver*, chaplain*, archaeologist*, geologist*, astronomer*, \
            chemist*, biologist*, botanist*, zookeeper*, falconer*, jockey*, umpire*, goalkeeper*, timekeeper*, \
            juggler*, clown*, peer, peers, lab, labs, submitter*, advocate*, warden*, extension, team, sender, \
            haulier*, truck, trucks, trucker*, housekeeper*, receptionist*, waiter*, chef*, cook*, bartender*, \
            maid, concierge, traveller, travel agency, portal, comparison portal, vessel, ship, skipper, lessee*, \
            lessor*, tenant, importer*, exporter*, declarant*, consignee*, consignor*, stakeholder*, expert*, \
            specialist*, cardholder*, accountholder*, licensee*, franchisee*, member state, lawyer, notaries, \
            jury, witness*, defendant*, plaintiff*, inmate*, swimmer*, coach*, trainer*, referee*, athlete*, \
            choir, orchestra, exhibitor*, stand holder, organisation, organization, charity, foundation, council, \
            department, office of, desk, helpdesk user, contributor*, maintainer*, committer*, reviewer*, \
            commenter*, poster*, uploader*, downloader*, leecher*, seeder*, sub user, impostor*, intruder*, \
            attacker*, hacker*, spammer*, scammer*, caller id, subscriber, phone of, handset*, laptop*, tablet*, \
            smartphone*, workstation of, script of, integrator, apps, plugin author, third parties, \
            external system, foreign system, remote remote referrer, device of, lessons, youth, child, children, \
            adult*, pensioner*, widow*, spouse, husband, wife, mother, father, relative*, neighbour*, neighbor*, \
            bystander*, pedestrian*, tradesman, tradesmen, trades, workman, salesman, salesperson, purchaser*, \
            tenderer*, contestant*, competitor*, entrant*, nominee*, winner*, gambler*, punter*, bettor*, wager*, \
            client, clients, caller*, user, users, customer*, visitor*, browser*, subscriber*, tenant*, guest*, \
            partner*, member, members, operator, operators, crawler*, scraper*, bot, bots, app, agent*, somebody, \
            someone, person, people, player*, reader*, author*, editor*, buyer*, seller*, student*, teacher*, \
            pupil*, parent*, patient*, driver, rider*, passenger*, observer*, merchant*, vendor*, supplier*, \
            contractor*, subcontractor*, employee*, applicant*, candidate*, citizen*, resident*, donor*, \
            participant*, attendee*, volunteer*, creator*, viewer*, tourist*, traveller*, traveler*, hiker*, \
            farmer*, farmhand*, shopper*, bidder*, borrower*, lender*, listener, spectator*, colleague*, doctor*, \
            physician*, nurse*, pharmacist*, surgeon*, therapist*, clerk*, cashier*, teller*, lawyer*, attorney*, \
            notary, judge*, officer*, inspector*, auditor*, accountant*, broker, dealer*, trader*, reseller*, \
            retailer*, wholesaler*, distributor*, shipper*, carrier*, forwarder*, courier*, skipper*, captain*, \
            pilot*, crew, staff, foreman, engineer*, technician*, electrician*, mechanic*, plumber*, architect*, \
            designer*, developer*, programmer*, administrator*, admin, admins, moderator*, publisher*, \
            journalist*, reporter, photographer*, musician*, artist*, singer*, supervisor*, professor*, lecturer*, \
            tutor*, scientist*, researcher*, analyst*, consultant*, curator*, librarian*, archivist*, patron*, \
            organiser*, organizer*, host, landlord*, owner*, holder*, policyholder*, claimant*, insurer*, payer, \
            payee, recipient*, beneficiary, sender*, addressee*, company, firm, agency, agencies, university, \
            universities, school*, college*, institute*, laboratory, practice, clinic*, ward, hospital, pharmacy, \
            hotel*, restaurant*, pub, brewery, airline*, railway, operator of, club*, team*, guild*, clan, \
            committee, municipality, authority, ministry, embassy, association, cooperative, subsidiary, branch, \
            aggregator*, integrator*, third party, tpp, affiliate*, sponsor*, advertiser*, shop of, handler of, \
            harvester*, brewer*, baker*, butcher*, miller, fisherman, sailor*, soldier*, gamer*, streamer*, \
            follower of, fan of, collector*, investor*, shareholder*, voter*, commuter*, cyclist*, motorist*, \
            renter*, lodger*, camper*, skier*, diver*, climber*, integration, tester*, scientist, intern, \
            trainee*, apprentice*, janitor, cleaner*, porter*, guard*, keeper*, ranger*, grower*, breeder*, \
            rancher, midwife, mobile, ios, android, curl, okhttp, python requests, user agent, harvester, ip, \
            address, account, accounts, profile, login of, session of, household*, family, tour operator, \
            enterprise*, cellar hand, guard",
    },
    // What somebody does with a program.
    Sign {
        name: "acts",
        speaks_for: ClientMisuse,
        weight: 11,
        words: "upload, submission*, of upload, announces, announced, mines, ignores our, left the, dropped a, \
            dropped an, ordered a, booked onto, started a, started an, pointed, harvested, bought, buys, resells, \
            copied, copies, pasted, pastes, forwarded, forwards, replied, replies, translated, draws, drew, ran a, \
            ran the, runs a, launched, connects with, connects from, signs with, signs for, came with, came from, \
            comes with, comes from, turned up, walked, matched, confirms, confirmed, marks, looked at, typed in, \
            keyed in, guesses at, opens a, swipes, scans, insisted, begs, wanted to, started a second, tried to, \
            wants to, carries, rang, transmitted, arrives with, walks, arrived, arrives, came, comes, redeemed, \
            redeems, handed, hands, drops off, omits, leaves out, forgets, forgot, repeats, repeated, insists, \
            exceeds, overdrew, overdraws, tampered, guessed, guesses, clicks, clicked, pressed, presses, dialled, \
            dials, logs on, pushes to, push to, merges, merged, reads, weighs, attempt by, demands, demanded, \
            plays, played, bets, votes, voted, signs up, signed up, checks in, checked in, checks out, crosses, \
            crossed, parks, borrows, borrowed, returns, lends, queries, searches, searched, listens, streams, \
            stores, crawls, crawled, scrapes, scraped, sent, sends, sending, posted, posts, asks, asked, asking, \
            called, calls, calling, requests, requested, requesting, makes, opened, opens, queried, fetched, \
            fetches, fetching, polls, polled, polling, submits, submitted, tried, tries, trying, attempted, \
            attempts to, entered, enters, typed, types, signed in, signs in, logged in, logged on, logs in, \
            uploaded, uploads, uploading, delivered file, delivers, filed, files a, ordered, orders, booked, \
            books, reserved, reserves, registered, registers, claimed, claims, bid, bids, wants, wanted, wishes, \
            provided, provides, presented, presents, showed, shown, scanned, swiped, used, uses, using, keeps, \
            hammers, downloads, downloaded, transferred, transfers, pays, paid, changed, edited, deleted, added, \
            adds, removed, invited, invites, wrote, writes, shared, shares, reported by, signs, signed, sent by, \
            submitted by, uploaded by, requested by, tried by, entered by, posted by, intended, gave, gives, \
            picks, picked, chose, chosen, selected, selects, names, named, states, declares, declared, cancels, \
            cancelled, canceled, joins, joined, left, leaves, pulls, pushes, pushed, subscribes, subscribed, \
            enrol, enrolled, applied, applies, authenticating, negotiate, offer, offers, puts, put, returned from, \
            drives, drove, flies, moves, moved to, access, execute, run as, mentions, gave back",
    },
    // The program says no.
    Sign {
        name: "refusal",
        speaks_for: ClientMisuse,
        weight: 17,
        words: "order stopped, struck from, removed from the, seat locked, by deposit only, by appointment only, \
            frozen for, frozen till, frozen until, dead for, asleep for, line skipped, entry skipped, \
            record skipped, file skipped, stopped after a, hidden, stopped and reported, under watch, \
            silenced for, silenced, account frozen, account closed, account blocked, account disabled, \
            account suspended, access cut, access withdrawn, access removed, subscription cut, feed cut, \
            file handed back, handed back, sent to the desk, shut out till, shut out until, emptied, clamped, \
            capped at, trimmed to, held for review, under review, put under review, waits for review, \
            parked until, left aside, not taken over, not carried out, not executed, not passed on, \
            not let through, not honoured, not credited, not published, not listed, not imported, \
            nothing imported, nothing written, nothing saved, import stopped, import ends, checkout stopped, \
            upload stopped, closed for, closed by us, signed off, logged off, thrown off, expelled, excluded, \
            fined, warned, charged back, chargeback*, shadow banned, no admission, deposit kept, kept as draft, \
            switched off for, deliveries switched off, struck off, taken down, withdrawn from sale, delisted, \
            unlisted, file not taken, not run, shut till, thrown out, struck out, returned with, not queued, \
            not given, nothing stored, not scheduled, not begun, withheld, were cut, calls cut, shut off, \
            writes are shut off, quarantined until, file refused, row skipped, message returned, paused, lent out, \
            service withheld, administration stopped, is refused, not paid out, not booked, not unlocked, \
            not released, not approved, not forwarded, not placed, not ordered, nothing booked, nothing changed, \
            nothing paid, put aside, no access, blacklisted, blocked till, blocked until, suspended for, \
            locked for, locked until, not accepted, nak sent, nak, put into guest, gate stays closed, \
            door stays closed, stays closed, stays shut, stays locked, not opened for, publickey denied, \
            not issued, not granted, not shown, not applied to, not taken, no entry, kept back, on hold, asked to, \
            told to, parked, filtered, sandboxed, suppressed, evicted user, removed from, reject*, refus*, denied, \
            deny, denies, declin*, blocked, blocks, banned, ban, bans, disallowed, turned down, turned away, \
            turned back, sent back, sent home, held back, returned to, bounced, unaccepted, dropped, discarded, \
            thrown away, kicked, muted, suspended, locked out, locked, signed out, logged out, session ended, \
            taken in, put off, cut to, cut off, capped, clipped to, slowed down, quarantined, barred, revoked, \
            invalidated, cancelled by us, not admitted, not let in, not served, prohibited, set aside for review, \
            struck, voided, disqualified, ignored request, disconnected, penalised, penalized, flagged, kept out, \
            shut out, waits for approval, sent away, next answer after, must wait, retry after, try again in, \
            was returned, were returned, is returned, returned unread",
    },
    // Whose something is, or that it is no longer anybody's.
    Sign {
        name: "ownership",
        speaks_for: ClientMisuse,
        weight: 3,
        words: "two terminals, two devices, a different person, of a different, somebody else's, someone else's, \
            shared by, another, somebody else, someone else, not theirs, not his, not hers, not its, not their, \
            not ours, stolen, shared, two countries, two places, two people, different body, different address*, \
            foreign, from outside, evil, attacker, brute force, intruder, stranger, invalid user, unknown user, \
            illegal user, expired, revoked, abus*, misus*, fraud*, cheat*, tamper*, forged, spoof*, suspicious, \
            lapsed, handed back, no longer valid",
    },
    // What is wrong with something that was sent.
    Sign {
        name: "defects of input",
        speaks_for: ClientMisuse,
        weight: 10,
        words: "cannot verify, could not verify, is not the name, is not the same, comes before, of that name, \
            by that name, stands where, names itself, against the rules, lies in the future, in the future, \
            for yesterday, is no, are no, is not in, isn't in, is not one, occurs twice, appears twice, \
            listed twice, never granted, never issued, not granted, from the one, the one it registered, \
            other than the one, belongs to a different, different person, wrong order, wrong side, wrong place, \
            in the wrong, unbalanced quotation, unbalanced bracket*, unclosed, unterminated, unexpected character, \
            unexpected symbol, parse failure, parsing failed, cannot be parsed, could not be parsed, blurred, \
            illegible, legible, reserved for, already taken, already in use, already redeemed, has been used, \
            used before, used twice, second use, out of turn, out of sequence, without naming, without giving, \
            without saying, without telling, without paying, without asking, without confirming, left empty, \
            left blank, does not add up, do not add up, isvalid, unbalanced quot*, unterminated string*, \
            unterminated quot*, already exists, is not valid, is not json, does not pass, does not verify, \
            cannot tell, protocol violation, violation, carries no, outside, no such prefix, no such month, \
            insufficient funds, second time, a second time, second entry, belong together, does not belong, \
            integrity check failed, taken by, holds characters, unexpected token, is no number, is no date, \
            not a date, unknown currency, unknown country, is outside, lies outside, over the limit, \
            above the limit, below the limit, under the minimum, no such day, not signed, has not paid, unpaid, \
            insufficient balance, too young, is not theirs, already used, already running, still has, \
            wrong length, not a number, is not a, is not an, not one, must lie, must, deserialize, deserialise, \
            parse error, decode error, cannot query, not one we, none of ours, not ours, invalid, malformed, \
            missing, illegal, bad, not valid, has to be, have to be, needs to be, needs, expected, \
            could not parse, cannot parse, failed to parse, unparsable, unparseable, wrong, too large, too long, \
            too short, too big, too small, too many, too few, too often, too fast, too deep, too early, too late, \
            exceeds, exceeded, exceeding, out of range, not well formed, instead of, lacks, lacking, without, \
            unsupported, not supported, unacceptable, unprocessable, bad request, duplicate, already, twice, \
            in the past, lies in, lies after, lies before, before the, after the deadline, after gate, \
            past the deadline, after closing, deadline, below the minimum, above the maximum, minimum, negative, \
            incomplete, not allowed, not among, no such command, unknown command, not a command, no such function, \
            unknown function, syntax error, has no, have no, with no, empty, blank, mistyped, misspelt, unsigned, \
            unencrypted, plaintext, password protected, encrypted, does not exist, do not exist, no such, \
            not exist, reused, replayed, spam, injection, where, only, mismatch, does not match, do not match, \
            conflict*, not numeric, fails its, fails check, failed check, check digit, out of bounds, \
            overlaps its own, never rises, cannot be read, not registered, unregistered, not enrolled, not one of, \
            one of, the same, validation, validate, unexpected, not found, not acceptable, not well, no matching, \
            parameter count",
    },
    // How much there may be.
    Sign {
        name: "limits",
        speaks_for: ClientMisuse,
        weight: 7,
        words: "is the most, are the most, is the least, ceiling is, at a time, is what a, its contract covers, \
            contract covers, whose contract, covers only, over its, past its, more than its, than allowed, \
            one per, only one, only two, only once, once per, have to pass, has to pass, too soon, larger than, \
            bigger than, longer than, wider than, heavier than, smaller than, shorter than, on a single, \
            grace over, has filled, are permitted, is permitted, over quota, the allowance, wanted, are allowed, \
            limit, limits, limited, allowed, allowance, agreed, at most, at least, quota*, maximum, max, minimum, \
            contract, contracted, permitted, fair use, share is, its share, included, possible, more than, \
            less than, cap, ceiling, budget*, threshold, only, no more than, up to, per order, per account, \
            per person, per user, exceeds, exceeded, over the, above the, beyond, entitled to, has left, left, \
            concurrent, at once, in parallel, simultaneous*, plan allows, tier",
    },
    // How often, in how long.
    Sign {
        name: "rates",
        speaks_for: ClientMisuse,
        weight: 3,
        words: "in ten minutes, within a minute, within an hour, in an hour, in one hour, in a minute, \
            within ten minutes, within two minutes, times in a row, for the third time, again within, a second, \
            one second, per second, a minute, one minute, per minute, an hour, one hour, per hour, a day, one day, \
            per day, rps, rpm, qps, every, times, times in, in a row, at once, requests in, messages in, calls in, \
            attempts, calls, tries, requests per, too many requests, hammers, floods, flooding, flooded, burst*, \
            repeatedly, again and again, third time",
    },
    // What a caller sends.
    Sign {
        name: "input",
        speaks_for: ClientMisuse,
        weight: 9,
        words: "yaml, mapping, rates, rate of, manifest*, packet from, datagram, frame from, certificate of, \
            publickey, pointer, receipt, ballot*, bet, bets, stake, wish list, request by, answer of, return, \
            returns, waybill*, parcel*, letter from, customs declaration, sample of, blood sample, prescription*, \
            referral*, appointment*, exam*, homework, essay*, thesis, grade by, recording*, track, tracks, song*, \
            clip*, article*, image upload, avatar*, nickname*, username, display name, password, request, \
            requests, body, payload*, header*, param*, argument*, field*, input*, query string, query, form, \
            forms, upload*, submission*, json, xml, csv, yaml body, content type, media type, mime*, user agent, \
            email address, email, e mail, phone number, postcode, postal code, zip, iban, bic, vat, date of birth, \
            birthdate, date, dates, url, uri, quantity, amount, price, currency, unit, units, value, column*, \
            line, row, file, files, photo*, picture*, video*, document*, attachment*, spreadsheet*, sheet, \
            message*, order*, booking*, reservation*, claim*, application, proposal*, bid*, offer*, quote*, \
            filing*, declaration*, manifest, consignment, shipment, bundle, record, submitted, command, script*, \
            macro*, expression*, formula*, statement, comment*, post, draft, invite*, invitation*, timestamp*, \
            coordinates, tag, element, attribute, property, path, method, filter, sort, limit, offset, page size, \
            depth, segment, format, encoding, charset, syntax, telecommand, coupon*, voucher*, code, transfer*, \
            payment by, reading, entry, list, array, object, schema, content, data set, dataset, idempotency, \
            cors, origin, referer, range, batch of, name",
    },
    // What shows who somebody is.
    Sign {
        name: "credentials",
        speaks_for: ClientMisuse,
        weight: 8,
        words: "pin, pins, password*, passcode*, passphrase*, badge*, card, cards, api key, apikey, access key, \
            login*, token*, ticket*, pass, passes, jwt, bearer, otp, totp, tan, tans, cvv, one time, credential*, \
            cookie*, signature*, nonce, client certificate, licence*, license*, permit*, session, sessions, saml, \
            oauth*, oidc, grant, consent*, secret, authentication, auth, authoris*, authoriz*, identity, captcha, \
            key of, key, fingerprint, passport*, id card, sudoers, challenge response, second factor, mfa, 2fa, \
            code word",
    },
    // Names an address.
    Sign { name: "address", speaks_for: ClientMisuse, weight: 11, words: "mark:address" },
    // Written where callers come in.
    Sign {
        name: "source at the door",
        speaks_for: ClientMisuse,
        weight: 11,
        words: "source:api, source:gateway, source:auth, source:login, source:portal, source:upload, source:uploads, \
            source:access, source:web, source:sshd, source:idp, source:sso, source:waf, source:rest, \
            source:graphql, source:accounts, source:session, source:signin",
    },
    // Somebody is the first that it speaks of.
    Sign {
        name: "somebody first",
        speaks_for: ClientMisuse,
        weight: 8,
        words: "mark:somebody-first",
    },
    // Somebody does something.
    Sign {
        name: "somebody acts",
        speaks_for: ClientMisuse,
        weight: 4,
        words: "mark:somebody-acts",
    },
    // Names somebody as accounts of people are named.
    Sign { name: "account of a person", speaks_for: ClientMisuse, weight: 9, words: "mark:person" },
    // It is about one of many, or where that came from.
    Sign { name: "one of many", speaks_for: ClientMisuse, weight: 8, words: "a, an, from" },
    // What people do wrong, and what they should have done.
    Sign {
        name: "slips",
        speaks_for: ClientMisuse,
        weight: 11,
        words: "no such command, unknown command, not a command, no such function, unknown function, wrong, tried, \
            wanted, wants, wants to, tried to, wanted to, must, must be, must have, too many",
    },
    // It quotes something: what was sent, or what a thing is called.
    Sign { name: "a value in quotes", speaks_for: ClientMisuse, weight: 5, words: "mark:quoted" },
    // Its last words say what was done about it.
    Sign { name: "ends in an act", speaks_for: ClientMisuse, weight: 6, words: "mark:act" },
];
