//! Limits how often a password may be tried, for each account and for each address.
//!
//! Each attempt counts as failed when it begins, and is forgiven when it succeeds. So a hundred attempts at the same
//! instant count a hundred times.

use crate::model::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How many failures in a row an account may have before it has to wait.
const FREE_FAILURES: u32 = 5;
/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// The longest wait, and how long a failure is remembered after it.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// How many attempts an address has in each window, whether they succeed or fail.
const PER_ADDRESS: u32 = 20;
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
}

/// An account, as its attempts are counted. Attempts from this machine are counted apart, so that nobody outside can lock
/// its admin out.
#[derive(Clone, PartialEq, Eq, Hash)]
struct AccountKey {
    username: String,
    loopback: bool,
}

#[derive(Clone, Copy)]
struct Attempts {
    count: u32,
    /// The time of the first attempt of an address, or of the last attempt of an account.
    at: Timestamp,
}

impl Throttle {
    /// Counts an attempt, or refuses it and says how long to wait. A refused attempt does not count.
    pub(super) fn attempt(
        &mut self,
        username: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let (account, address) = (AccountKey::new(username, address), network(address));
        let failed = current(&self.accounts, &account, now, |a| {
            a.at.plus(wait_after(a.count)).plus(LONGEST_WAIT)
        });
        let tried = current(&self.addresses, &address, now, |a| a.at.plus(WINDOW));
        let account_free = failed.map_or(now, |a| a.at.plus(wait_after(a.count)));
        let full = tried.filter(|a| a.count >= PER_ADDRESS);
        let address_free = full.map_or(now, |a| a.at.plus(WINDOW));
        let free = account_free.max(address_free);
        if free > now {
            return Err(free.since(now));
        }
        let count = failed.map_or(0, |a| a.count).saturating_add(1);
        remember(&mut self.accounts, account, Attempts { count, at: now });
        let first = tried.unwrap_or(Attempts { count: 0, at: now });
        let tried = Attempts { count: first.count + 1, ..first };
        remember(&mut self.addresses, address, tried);
        Ok(())
    }

    /// Forgives the attempts of the account. Those of the address still count.
    pub(super) fn succeeded(&mut self, username: &str, address: IpAddr) {
        self.accounts.remove(&AccountKey::new(username, address));
    }
}

impl AccountKey {
    fn new(username: &str, address: IpAddr) -> Self {
        let end = username.floor_char_boundary(MAX_NAME);
        Self { username: username[..end].to_owned(), loopback: address.is_loopback() }
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

fn current<K: Hash + Eq>(
    map: &HashMap<K, Attempts>,
    key: &K,
    now: Timestamp,
    ends: impl Fn(Attempts) -> Timestamp,
) -> Option<Attempts> {
    // One of the future was made before the clock was set back, and holds nobody up.
    map.get(key).copied().filter(|attempts| attempts.at <= now && ends(*attempts) > now)
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

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn the_sixth_failure_waits_and_each_further_one_twice_as_long_up_to_a_quarter_hour() {
        let mut throttle = Throttle::default();
        for n in 0..FREE_FAILURES {
            assert_eq!(throttle.attempt("admin", address(n as u8), START), Ok(()));
        }
        let mut now = START;
        for expected in [15, 30, 60, 120, 240, 480, 900, 900, 900] {
            let wait = throttle.attempt("admin", address(100), now).unwrap_err();
            assert_eq!(wait, Duration::from_secs(expected));
            assert_eq!(throttle.attempt("operator", address(101), now), Ok(()), "others go on");
            throttle.succeeded("operator", address(101));
            now = now.plus(wait);
            assert_eq!(throttle.attempt("admin", address(100), now), Ok(()));
        }
    }

    #[test]
    fn success_and_a_long_quiet_time_forgive() {
        let mut throttle = Throttle::default();
        for _ in 0..FREE_FAILURES {
            throttle.attempt("admin", address(1), START).unwrap();
        }
        throttle.succeeded("admin", address(1));
        assert_eq!(throttle.attempt("admin", address(1), START), Ok(()));
        for _ in 1..FREE_FAILURES {
            throttle.attempt("admin", address(1), START).unwrap();
        }
        assert!(throttle.attempt("admin", address(1), START).is_err());
        let much_later = after(60 * 60);
        for _ in 0..FREE_FAILURES {
            assert_eq!(throttle.attempt("admin", address(1), much_later), Ok(()));
        }
    }

    #[test]
    fn an_address_has_twenty_attempts_a_minute_even_if_they_succeed() {
        let mut throttle = Throttle::default();
        for n in 0..PER_ADDRESS {
            throttle.attempt(&format!("user{n}"), address(1), START).unwrap();
            throttle.succeeded(&format!("user{n}"), address(1));
        }
        assert_eq!(throttle.attempt("x", address(1), after(59)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.attempt("x", address(2), after(59)), Ok(()));
        assert_eq!(throttle.attempt("x", address(1), after(60)), Ok(()));
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let mut throttle = Throttle::default();
        for n in 0..PER_ADDRESS {
            let host: IpAddr = format!("2001:db8::{n:x}").parse().unwrap();
            throttle.attempt(&format!("user{n}"), host, START).unwrap();
        }
        assert!(throttle.attempt("x", "2001:db8::ffff".parse().unwrap(), START).is_err());
        assert!(throttle.attempt("x", "2001:db8:0:1::1".parse().unwrap(), START).is_ok());
    }

    #[test]
    fn nobody_outside_locks_the_machine_itself_out() {
        let mut throttle = Throttle::default();
        for n in 0..FREE_FAILURES {
            throttle.attempt("admin", address(n as u8), START).unwrap();
        }
        assert!(throttle.attempt("admin", address(9), START).is_err());
        assert_eq!(throttle.attempt("admin", IpAddr::from([127, 0, 0, 1]), START), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut throttle = Throttle::default();
        for n in 0..=MAX_REMEMBERED as u32 {
            let address = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            let now = START.plus(Duration::from_millis(u64::from(n)));
            throttle.attempt(&"é".repeat(n as usize % 200), address, now).unwrap_or_default();
            throttle.attempt(&format!("user{n}"), address, now).unwrap();
        }
        assert_eq!(throttle.addresses.len(), MAX_REMEMBERED);
        assert_eq!(throttle.accounts.len(), MAX_REMEMBERED);
        assert!(
            throttle.addresses.keys().all(|a| *a != IpAddr::from([10, 0, 0, 0])),
            "the oldest left"
        );
    }
}
