//! The signs that a problem is the server's own.

use super::{CERTAIN, Sign};
use crate::model::Classification::ServerBug;

pub(super) const SIGNS: &[Sign] = &[
    // The program broke in its own code.
    Sign {
        name: "crash",
        speaks_for: ServerBug,
        weight: 11,
        words: "exit code, exit status, killed by signal, by signal, rss, call stack, maximum call stack, \
            sequence contains, cannot read property, cannot read properties, is undefined, not a function, \
            not callable, not iterable, bus error, illegal instruction, hard fault, brown out, brownout, rebooted, \
            unexpectedly found nil, unwrapping, on a none, deadlocked, deadlock victim, invalid pointer, \
            torn down, mark:exception, undefined local variable, is not defined, not defined, exited on signal, \
            syntax error in, unbalanced, traceback, panic, panicked, unhandled, uncaught, segfault, \
            segmentation fault, core dumped, deadlock*, overflow, overflowed, overrun, underflow, corrupt*, \
            inconsisten*, invariant*, assert*, internal server error, internal error, unexpected error, \
            unexpected exception, unexpected end, out of memory, outofmemory*, oom, oomkilled, no space left, \
            disk full, nullpointerexception, null pointer, nil pointer, null reference, nullreference*, \
            undefined method, undefined is not, of undefined, of null, of none, for nil, undefined array, \
            undefined offset, undefined variable, undefined index, undefined function, data loss, data race, \
            integrity, crashed, crashes, crash loop, crashloop*, killed, out of bounds, out of range index, \
            index out of range, division by zero, divide by zero, segv, sigsegv, sigabrt, sigkill, core dump, \
            stack overflow, fatal error, fatal exception, keyerror, typeerror, valueerror, attributeerror, \
            indexerror, zerodivisionerror, assertionerror, runtimeerror, referenceerror, rangeerror, \
            illegalstate*, illegal state, classcast*, arithmetic*, nan, infinity, constraint, foreign key, \
            primary key, duplicate key, kernel panic, poisoned, use after free, double free, \
            concurrentmodification*, split brain, unrecoverable, i o error, input output error, io error, ioerror, \
            bad sector*, nosuchmethod*, classnotfound*, memory access, access violation, memory leak, leaked, \
            is null, be null, raised unexpected, cannot be null",
    },
    // Something else did not answer.
    Sign {
        name: "silence",
        speaks_for: ServerBug,
        weight: 13,
        words: "flat for, hangs on, idle, sent no, has sent no, have sent no, reads nothing, never opens, no ack, \
            went dark, goes dark, mute since, without a sign, no pulse, no keepalive, not polled, no poll, \
            missed poll*, no move, hung since, sits since, sit in state, sits in state, sits in, still trying, \
            answered by nothing, returns nothing, gave no byte, no byte, does not come back, not come back, \
            did not rise, vanished, disappeared, black frames, never appeared, no sign of life, not heard from, \
            has not reported, stopped reporting, nothing came, went quiet, quiet since, silent since, \
            no longer sends, no connection, not connected, hold time expired, without answer, without reply, \
            without response, without an answer, without a reply, io timeout, i o timeout, not aware, \
            responder unreachable, servfail, slowdown, no current, slow down, took, waits for, waiting for, \
            wait for, not in time, no longer answers, no longer responds, no longer reachable, no carrier, \
            no link, no route, no readings, no reading, no data, no messages, no packets, no frames, no telemetry, \
            no contact, timed out, timeout, timeouts, time out, timedout, deadline exceeded, connection refused, \
            connection reset, connection closed, closed connection, connection lost, lost connection, \
            connection aborted, connection pool, connection problem, connection slots, broken pipe, unreachable, \
            not reachable, no route to host, name resolution, no such host, could not connect, cannot connect, \
            can't connect, failed to connect, can't contact, could not resolve, circuit breaker, circuit open, \
            circuit_breaking*, no reply, no answer, no response, not respond*, did not answer, does not answer, \
            not answering, never answered, did not reply, does not reply, answers nothing, hung up, no heartbeat, \
            missed heartbeat*, heartbeat lost, try later, try again later, prematurely, reset before, silent, \
            sent nothing, sends nothing, delivers nothing, says nothing, nothing received, not received, \
            received nothing, no signal, signal lost, not seen, no ping, service unavailable, bad gateway, \
            gateway timeout, gateway time out, no healthy upstream, no server available, host down, link down, \
            line down, no quorum, not enough replicas, stopped sending, stops sending, nothing since, 5xx, \
            unanswered, sees the same",
    },
    // Something did not work.
    Sign {
        name: "failure",
        speaks_for: ServerBug,
        weight: 15,
        words: "by mistake, without pause, by accident, for no reason, held locally, cannot be opened, \
            certificate ran out, certificate expired, certificate has expired, certificate lapsed, cert expired, \
            cert lapsed, cert has expired, certificate ends, certificate runs out, certificate expires, \
            certificate not valid, certificate past, certificate is past, near full, fallen off, fell off, \
            off the bus, did not come down, ejected, not at all, sent out again, in the middle of, is black, \
            went unsigned, by itself, came back with, taken twice, never handed, was overwritten, overwritten, \
            seized, iced up, cutout, overflow*, fsync, came out blank, came out empty, rendered empty, \
            printed with an empty, is missing in the release, not armed, lost receipt, unsent, unable to reach, \
            not catalogued, does not exist or access denied, held in memory, kept on disk, not produced, \
            not responding, left half, left without, permission denied, flapping, marked down, \
            consecutive failures, lost leader, at risk, drops lines, drop, oversold, sold twice, hang, \
            black picture, not processed, unprocessed, not printed, not rendered, not applied, not exist, \
            restarts every, crashed again, back in queue, closed unexpectedly, went away, gone away, not loaded, \
            not mounted, not replicated, not started, not running, misfire*, misfeed, mispick*, misread*, derail*, \
            spill*, burst, collapsed, collided, collision, bent, worn, melted, burnt, burned, smoke, fire, sparks, \
            short circuit, blown, fuse, frozen, icing, clogged, blocked by, obstructed, obstruction, empty page, \
            blank page, garbled, distorted, noise, no picture, no sound, muted by itself, wrong output, \
            wrong result, wrong total, miscount*, miscalculat*, fail, fails, failed, failing, failure*, could not, \
            cannot, can not, unable, error, errors, abort*, died, dies, stopped, stops, gave up, gives up, \
            given up, giving up, hung, hangs, stuck, lost, loses, losing, broke, broken, breaks, jammed, \
            blocked for, interrupted, terminated, exited, unsuccessful, not written, not saved, not stored, \
            not created, not delivered, not sent, undeliver*, rolled back, did not start, did not finish, \
            did not complete, did not converge, diverged, unreadable, not readable, not writable, read only, \
            halted, halts, stalled, stalls, froze, incomplete, half way, halfway, truncated, partial*, \
            skipped run, not run, degraded, down, offline, dead, unhealthy, unstable, unresponsive, faulty, \
            defective, malfunction*, disconnected, disconnects, dropped out, tripped, not reach*, never reached, \
            never arrived, did not arrive, never left, never returned, never came, did not open, did not close, \
            not acknowledged, no acknowledg*, did not move, does not move, not moving, not updated, unsynchron*, \
            expired before, runs out in, run out in, expires in, restart*, retries, retry, retrying, reconnect*, \
            restore, lost contact, broke off, breaks off, came out, unavailable, outage, failover, rollback, \
            back off, backoff, misconf, panicking, defect*, overheat*, unbalanced, underrun, not converge*, \
            empty file, zero bytes, 0 bytes, short write, not be opened, not be read, not be written, exception, \
            raised, leaks, leaking, leakage",
    },
    // What a machine has only so much of.
    Sign {
        name: "resources",
        speaks_for: ServerBug,
        weight: 11,
        words: "slots taken, pool slots, slots are reserved, evicted, eviction*, hit ratio, cache hit, flood stage, \
            shed, shedding, none left, has none left, dhcp, low water, out of paper, toner, used up, runs out in, \
            ran out, has run out, run out of, too many open files, too many clients, too many connections, \
            heap limit, reached max, limit of size, full scan, is full, running out, hit rate, climbing, climbs, \
            climbed, not available, overbooked, filling up, ran full, over capacity, at capacity, all in use, \
            all busy, out of connections, out of handles, out of threads, out of disk, out of space, no free, \
            free addresses, free space, free memory, free slots, free blocks, heating, heat, humidity, fuel, oil, \
            water level, level, rpm high, vibration, wear, retention, oversubscribed, cannot allocate, heap space, \
            swap space, inodes, ulimit, high water mark, watermark, thermal, thermal throttling, ram, disk buffer, \
            deep, memory, heap, swap, disk*, space, cpu, inode*, file descriptor*, open files, tablespace*, \
            storage, volume*, partition*, filesystem, bandwidth, battery, temperature, voltage, pressure, buffer*, \
            capacity, threads, thread pool, worker pool, pool, backlog, utilisation, utilization, full, exhausted, \
            allocate, allocation, temp, overload*, saturat*, starv*, insufficient, leases, vacuum*, drained, \
            bytes free, gc pause, garbage collect*, slow query, slow, latency",
    },
    // Data, states or clocks that do not fit each other.
    Sign {
        name: "contradiction",
        speaks_for: ServerBug,
        weight: 10,
        words: "before it was, both hold, both have, at the same time, reads, wired twice, arrive twice, \
            arrives twice, came out as, we hold, theirs, our total, cannot be closed, mixed up, of the previous, \
            to the wrong, wrong time zone, with herself, with himself, with itself, counts more, than the sum, \
            is short, has not begun, gained, jumped back, jumped ahead, jumps, lost its, without its, \
            for the wrong, instead of the customer, before the confirm*, accounted for, computed twice, \
            differs from what, read back, of the wrong, too much, too little, ten times, still running, \
            falls behind, fell behind, fallen behind, records behind, behind the timetable, stuck at, usual, \
            usually, normally, foreseen, planned, window closed, double allocation, came out at, come out as, \
            off by one, posted twice, rated twice, applied twice, two winners, went backwards, has gone to, \
            hash to, still referenced, computed as, be restored, waits since, oldest waits, was due, were due, \
            should have, ought to, than usual, more than once, than there are, than exist, wrong amount, \
            wrong account, wrong recipient, swapped, earlier than, according to, assigned to, yesterday, \
            as yesterday, unchanged, in store, counted, out of balance, does not balance, remains, on although, \
            sold twice, applied on, applied to, resurrected, reappeared, twice in, duplicate rows, duplicate ids, \
            double, doubled, off by, points backwards, backwards, older version, older than, before it began, \
            after it ended, ended before, starts after, ends before, cyclic, cycle, circular, loop, recursion, \
            add up to, adds up to, add up, sums up to, sum up, differ, differs, different from, do not match, \
            does not match, did not match, mismatch*, checksum*, crc, hash differs, out of sync, out of order, \
            diverg*, disagree*, lag, lags, lagging, behind, late, later than, overdue, stale, outdated data, \
            old data, drift*, skew*, missing rows, lost rows, counted twice, booked twice, charged twice, \
            billed twice, sent twice, printed twice, ran twice, paid twice, delivered twice, stored twice, \
            two masters, two leaders, two primaries, negative, grew, grows, growing, piling up, piles up, \
            is in the future, jumped, inverted, overlap*, gap, gaps, hole, impossible, orphan*, dangling, \
            no owner, has two, have two, hold the, holds two, on two, in two places, still open, still above, \
            still below, above setpoint, below setpoint, out of tolerance, not been updated, not updated since, \
            no longer updated, has not run, last run, last reading, last value, last seen, adrift, unassigned, \
            should be, but, although, while, whereas, instead, says, say, shows, never, not found in, zero rows, \
            nobody, as well as, too old, too cold, too warm, too hot, commanded, the same, loops, \
            before it starts, rose overnight, three times, every line, rejected at once",
    },
    // A part of the program, or what it drives or depends on.
    Sign {
        name: "parts",
        speaks_for: ServerBug,
        weight: 4,
        words: "server*, backend*, upstream*, provider*, dependency, dependencies, database*, db, sql, sqlite*, \
            postgres*, mysql*, oracle, redis, kafka, rabbitmq, elasticsearch, mongo*, etcd*, zookeeper, replica*, \
            primary, secondary, standby, leader, follower, node*, cluster*, shard*, container*, pod, pods, \
            process*, thread*, worker*, daemon*, job, jobs, cron, cronjob, scheduler*, queue*, cache*, index, \
            indexes, reindex*, indexing, table, tables, relation, transaction*, commit, migration*, schema, \
            backup*, snapshot*, checkpoint*, journal*, segment*, kernel, driver*, device, link, line, feed, \
            clock*, watchdog*, sensor*, probe*, motor*, pump*, valve*, encoder*, decoder*, scanner*, printer*, \
            camera*, antenna*, drive, drives, controller*, plc*, rtu*, gateway*, relay, smtp, mail server, dns, \
            ntp, ldap, proxy, load balancer, balancer, socket*, port, network, interface, nic, raid*, sector*, \
            block, blocks, page fault, inode, lock, locks, mutex, broker*, topic, producer, stream, streams, \
            pipeline*, batch, run, import run, export run, nightly, replication, sync, synchronisation, \
            synchronization, robot*, belt*, conveyor*, lane*, crane*, hoist*, heater*, cooler*, boiler*, \
            compressor*, fan, fans, turbine*, inverter*, transformer*, generator*, relay*, switch*, router*, \
            firewall, tank*, oven*, furnace*, elevator*, lift, door*, lamp*, display*, board, screen*, speaker*, \
            microphone, channel, satellite*, lock wait, connector*, adapter*, listener*, handler, dispatcher, \
            service, services, module*, component*, subsystem*, engine*, renderer*, parser, compiler, builder, \
            plugin*, library, firmware, bootloader, instance*, vm, hypervisor, image, images, registry, \
            secret store, vault, certificate authority, renewal, webhook, health check, liveness, readiness, \
            probe failed, balance, ledger*, stock, total, totals, counter*, sum, model, forecast*, snapshot, \
            archive*, tape*, library drive, mailbox, spool*, label*, report*, letter*, invoice*, statement*, \
            reminder*, digest, newsletter*, notification*, push, sms gateway",
    },
    // A trace, or an answer with a status of the 500s.
    Sign { name: "proof", speaks_for: ServerBug, weight: CERTAIN, words: "mark:trace, mark:5xx" },
    // Logged as critical.
    Sign { name: "level critical", speaks_for: ServerBug, weight: 20, words: "mark:critical" },
    // Logged as an error.
    Sign { name: "level error", speaks_for: ServerBug, weight: 13, words: "mark:error" },
    // Written by something that no caller sees.
    Sign {
        name: "source of a part",
        speaks_for: ServerBug,
        weight: 7,
        words: "source:db, source:sql, source:postgres, source:mysql, source:mysqld, source:redis, source:kafka, \
            source:kernel, source:systemd, source:storage, source:disk, source:backup, source:cache, source:queue, \
            source:scheduler, source:worker, source:cron, source:sync, source:search",
    },
    // A part of the program is the first that it speaks of.
    Sign { name: "a part first", speaks_for: ServerBug, weight: 7, words: "mark:part-first" },
    // It is about something of its own.
    Sign { name: "ours", speaks_for: ServerBug, weight: 4, words: "our own, its own, our" },
    // Tells how long something took or is so.
    Sign { name: "duration", speaks_for: ServerBug, weight: 8, words: "mark:duration" },
    // Tells what came first, or what else was so.
    Sign {
        name: "course of events",
        speaks_for: ServerBug,
        weight: 3,
        words: "because, after, although, though, while",
    },
    // Something went another way.
    Sign {
        name: "turns for the worse",
        speaks_for: ServerBug,
        weight: 10,
        words: "out, up, left, went, gave, took",
    },
    // There is nothing where something should be.
    Sign { name: "zero", speaks_for: ServerBug, weight: 7, words: "mark:zero" },
];
