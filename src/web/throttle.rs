//! Limits how often a password may be tried: for each account by each address, for each address, and in all.
//!
//! Nobody can keep the owner of an account out: the failures of one address delay that address alone, and a browser that
//! has signed in before is counted by itself, whatever comes from elsewhere. A new password forgives all failures.
//!
//! Each attempt counts as failed when it begins, and is forgiven when it succeeds. So a hundred attempts at the same
//! instant count a hundred times.

use crate::model::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How many failures in a row an account may have from one place before that place has to wait.
const FREE_FAILURES: u32 = 5;
/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// The longest wait, and how long a failure is remembered after it.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// How many attempts an address has in each window, whether they succeed or fail.
const PER_ADDRESS: u32 = 20;
/// How many attempts all addresses but this machine's own have together in each window.
const IN_ALL: u32 = 60;
const WINDOW: Duration = Duration::from_mins(1);
/// How many accounts and how many addresses are remembered. For a new one, the one that was quiet longest is forgotten.
const MAX_REMEMBERED: usize = 10_000;
/// The longest account name that is told apart, in bytes. No account has a longer name.
const MAX_NAME: usize = 64;

/// The attempts that were made.
#[derive(Default)]
pub(super) struct Throttle {
    accounts: HashMap<AccountKey, Attempts>,
    addresses: HashMap<IpAddr, Attempts>,
    all: Option<Attempts>,
}

/// Where an attempt comes from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// A browser that has signed in to the account before, by the mark that it keeps.
    Known(String),
    /// A browser that is known by its address alone.
    Address(IpAddr),
}

/// One attempt to sign in.
#[derive(Clone)]
pub(super) struct Attempt {
    key: AccountKey,
    address: Option<IpAddr>,
}

/// An account, as its attempts are counted.
#[derive(Clone, PartialEq, Eq, Hash)]
struct AccountKey {
    username: String,
    /// Changes with the password.
    password: String,
    origin: Origin,
}

#[derive(Clone, Copy)]
struct Attempts {
    count: u32,
    /// The time of the first attempt in a window, or of the last attempt of an account.
    at: Timestamp,
}

impl Attempt {
    /// An attempt at this account, whose stored password has this hash, if there is such an account.
    pub(super) fn of(username: &str, password_hash: Option<&str>, origin: Origin) -> Self {
        let end = username.floor_char_boundary(MAX_NAME);
        let origin = match origin {
            Origin::Known(_) => origin,
            Origin::Address(address) => Origin::Address(network(address)),
        };
        let address = match &origin {
            Origin::Known(_) => None,
            Origin::Address(address) => Some(*address),
        };
        let password = password_hash.unwrap_or_default().to_owned();
        Self { key: AccountKey { username: username[..end].to_owned(), password, origin }, address }
    }
}

impl Throttle {
    /// Counts an attempt, or refuses it and says how long to wait. A refused attempt does not count.
    pub(super) fn attempt(&mut self, attempt: &Attempt, now: Timestamp) -> Result<(), Duration> {
        let Attempt { key, address } = attempt;
        let failed = self.accounts.get(key).copied();
        let failed = current(failed, now, |a| a.at.plus(wait_after(a.count)).plus(LONGEST_WAIT));
        let tried = address.and_then(|address| self.addresses.get(&address).copied());
        let tried = in_window(tried, now);
        let all = in_window(self.all, now);
        let outside = address.is_some_and(|address| !address.is_loopback());
        let account_free = failed.map_or(now, |a| a.at.plus(wait_after(a.count)));
        let window_free = |tried: Option<Attempts>, most| {
            tried.filter(|a| a.count >= most).map_or(now, |a| a.at.plus(WINDOW))
        };
        let all_free = if outside { window_free(all, IN_ALL) } else { now };
        let free = account_free.max(window_free(tried, PER_ADDRESS)).max(all_free);
        if free > now {
            return Err(free.since(now));
        }
        let count = failed.map_or(0, |a| a.count).saturating_add(1);
        remember(&mut self.accounts, key.clone(), Attempts { count, at: now });
        if let Some(address) = *address {
            remember(&mut self.addresses, address, one_more(tried, now));
        }
        if outside {
            self.all = Some(one_more(all, now));
        }
        Ok(())
    }

    /// How many more attempts the account has from there before it has to wait, after those that were counted.
    pub(super) fn left(&self, attempt: &Attempt) -> u32 {
        let failed = self.accounts.get(&attempt.key).map_or(0, |attempts| attempts.count);
        FREE_FAILURES.saturating_sub(failed)
    }

    /// Forgives the attempts at the account from there. Those of the address still count.
    pub(super) fn succeeded(&mut self, attempt: &Attempt) {
        self.accounts.remove(&attempt.key);
    }
}

/// How long an account has to wait after this many failures in a row.
fn wait_after(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(FREE_FAILURES) else {
        return Duration::ZERO;
    };
    let wait = FIRST_WAIT.saturating_mul(2u32.saturating_pow(doublings));
    wait.min(LONGEST_WAIT)
}

/// The network that an address is counted by: a client with one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) if v6.is_loopback() => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

fn in_window(tried: Option<Attempts>, now: Timestamp) -> Option<Attempts> {
    current(tried, now, |a| a.at.plus(WINDOW))
}

fn current(
    attempts: Option<Attempts>,
    now: Timestamp,
    ends: impl Fn(Attempts) -> Timestamp,
) -> Option<Attempts> {
    // One of the future was made before the clock was set back, and holds nobody up.
    attempts.filter(|attempts| attempts.at <= now && ends(*attempts) > now)
}

fn one_more(tried: Option<Attempts>, now: Timestamp) -> Attempts {
    let first = tried.unwrap_or(Attempts { count: 0, at: now });
    Attempts { count: first.count + 1, ..first }
}

fn remember<K: Hash + Eq + Clone>(map: &mut HashMap<K, Attempts>, key: K, attempts: Attempts) {
    if map.len() >= MAX_REMEMBERED && !map.contains_key(&key) {
        let quietest = map.iter().min_by_key(|(_, a)| a.at).map(|(key, _)| key.clone());
        quietest.and_then(|quietest| map.remove(&quietest));
    }
    map.insert(key, attempts);
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn by(username: &str, address: IpAddr) -> Attempt {
        Attempt::of(username, Some("hash"), Origin::Address(address))
    }

    fn known(username: &str, browser: &str) -> Attempt {
        Attempt::of(username, Some("hash"), Origin::Known(browser.to_owned()))
    }

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn the_sixth_failure_waits_and_each_further_one_twice_as_long_up_to_a_quarter_hour() {
        let mut throttle = Throttle::default();
        let admin = by("admin", address(100));
        for nth in 1..=FREE_FAILURES {
            assert_eq!(throttle.attempt(&admin, START), Ok(()));
            assert_eq!(throttle.left(&admin), FREE_FAILURES - nth);
        }
        let mut now = START;
        for expected in [15, 30, 60, 120, 240, 480, 900, 900, 900] {
            let wait = throttle.attempt(&admin, now).unwrap_err();
            assert_eq!(wait, Duration::from_secs(expected));
            let operator = by("operator", address(100));
            assert_eq!(throttle.attempt(&operator, now), Ok(()), "others go on");
            throttle.succeeded(&operator);
            now = now.plus(wait);
            assert_eq!(throttle.attempt(&admin, now), Ok(()));
        }
    }

    #[test]
    fn success_and_a_long_quiet_time_forgive() {
        let mut throttle = Throttle::default();
        let admin = by("admin", address(1));
        for _ in 0..FREE_FAILURES {
            throttle.attempt(&admin, START).unwrap();
        }
        throttle.succeeded(&admin);
        assert_eq!(throttle.attempt(&admin, START), Ok(()));
        for _ in 1..FREE_FAILURES {
            throttle.attempt(&admin, START).unwrap();
        }
        assert!(throttle.attempt(&admin, START).is_err());
        let much_later = after(60 * 60);
        for _ in 0..FREE_FAILURES {
            assert_eq!(throttle.attempt(&admin, much_later), Ok(()));
        }
    }

    #[test]
    fn nobody_keeps_the_owner_out_neither_from_elsewhere_nor_where_the_owner_has_been() {
        let mut throttle = Throttle::default();
        for n in 0..FREE_FAILURES {
            throttle.attempt(&by("admin", address(1)), after(u64::from(n))).unwrap();
        }
        assert!(throttle.attempt(&by("admin", address(1)), after(5)).is_err());
        assert_eq!(throttle.attempt(&by("admin", address(2)), after(5)), Ok(()), "elsewhere");
        let owner = known("admin", "browser");
        for _ in 0..FREE_FAILURES {
            assert_eq!(throttle.attempt(&owner, after(5)), Ok(()), "the same address");
        }
        assert!(throttle.attempt(&owner, after(5)).is_err(), "a stolen mark guesses no longer");
        assert_eq!(throttle.attempt(&known("admin", "other"), after(5)), Ok(()));
    }

    #[test]
    fn a_new_password_forgives() {
        let mut throttle = Throttle::default();
        for _ in 0..FREE_FAILURES {
            throttle.attempt(&by("admin", address(1)), START).unwrap();
        }
        let renewed = Attempt::of("admin", Some("new"), Origin::Address(address(1)));
        assert!(throttle.attempt(&by("admin", address(1)), START).is_err());
        assert_eq!(throttle.attempt(&renewed, START), Ok(()));
    }

    #[test]
    fn an_address_has_twenty_attempts_a_minute_even_if_they_succeed() {
        let mut throttle = Throttle::default();
        for n in 0..PER_ADDRESS {
            let attempt = by(&format!("user{n}"), address(1));
            throttle.attempt(&attempt, START).unwrap();
            throttle.succeeded(&attempt);
        }
        let x = by("x", address(1));
        assert_eq!(throttle.attempt(&x, after(59)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.attempt(&by("x", address(2)), after(59)), Ok(()));
        assert_eq!(throttle.attempt(&x, after(60)), Ok(()));
    }

    #[test]
    fn many_addresses_together_have_sixty_attempts_a_minute_and_known_browsers_go_on() {
        let mut throttle = Throttle::default();
        for n in 0..IN_ALL {
            throttle.attempt(&by(&format!("user{n}"), address(n as u8)), START).unwrap();
        }
        let more = by("x", address(200));
        assert_eq!(throttle.attempt(&more, after(59)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.attempt(&known("admin", "browser"), after(59)), Ok(()));
        let here = by("admin", IpAddr::from([127, 0, 0, 1]));
        assert_eq!(throttle.attempt(&here, after(59)), Ok(()), "this machine");
        assert_eq!(throttle.attempt(&more, after(60)), Ok(()));
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let mut throttle = Throttle::default();
        for n in 0..PER_ADDRESS {
            let host: IpAddr = format!("2001:db8::{n:x}").parse().unwrap();
            throttle.attempt(&by(&format!("user{n}"), host), START).unwrap();
        }
        let same = by("x", "2001:db8::ffff".parse().unwrap());
        let other = by("x", "2001:db8:0:1::1".parse().unwrap());
        assert!(throttle.attempt(&same, START).is_err());
        assert!(throttle.attempt(&other, START).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut throttle = Throttle::default();
        for n in 0..=MAX_REMEMBERED as u32 {
            let address = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            let now = START.plus(WINDOW * n);
            let long = by(&"é".repeat(n as usize % 200), address);
            throttle.attempt(&long, now).unwrap();
            throttle.attempt(&by(&format!("user{n}"), address), now).unwrap();
        }
        assert_eq!(throttle.addresses.len(), MAX_REMEMBERED);
        assert_eq!(throttle.accounts.len(), MAX_REMEMBERED);
        let oldest = IpAddr::from([10, 0, 0, 0]);
        assert!(throttle.addresses.keys().all(|a| *a != oldest), "the oldest left");
    }
}
