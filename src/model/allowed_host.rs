//! A host that runs of agents may reach besides the model's service, as the operator names it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Longest name of a host, as in DNS.
const MAX_HOST: usize = 253;
/// The port of a host that is named without one.
const DEFAULT_PORT: u16 = 443;

/// `host` or `host:port`; without a port, 443. An IPv6 address with a port stands in brackets.
///
/// A name leads to public addresses only. An address that is private or of this machine is reached only if the operator
/// names the address itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    /// In small letters; an address without brackets.
    host: String,
    port: u16,
}

impl AllowedHost {
    /// What [`FromStr`] takes, in words.
    pub const ALLOWED: &str = "a host name or address, with :port unless it is 443";

    /// Whether this is the host and port of a request.
    pub fn is(&self, host: &str, port: u16) -> bool {
        self.port == port && self.host.eq_ignore_ascii_case(bare_host(host))
    }

    /// Whether this names that very address.
    pub fn is_address(&self, address: IpAddr, port: u16) -> bool {
        self.port == port && self.host.parse() == Ok(address)
    }
}

impl FromStr for AllowedHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (host, port) = match text.rsplit_once(':') {
            // More than one colon and no bracket before the last one: an IPv6 address.
            _ if text.parse::<Ipv6Addr>().is_ok() => (text, DEFAULT_PORT),
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| Self::ALLOWED)?)
            }
            Some(_) | None => (text, DEFAULT_PORT),
        };
        let host = bare_host(host).to_ascii_lowercase();
        let is_name = (1..=MAX_HOST).contains(&host.len())
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        if port == 0 || !(is_name || host.parse::<IpAddr>().is_ok()) {
            return Err(Self::ALLOWED);
        }
        Ok(Self { host, port })
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A host without the brackets of an IPv6 address.
pub(crate) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether an address is one of the public network: not of this machine, of a private or local network, of a link, of a
/// cloud's metadata service, and no group or broadcast.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b, c) {
        // This network, this machine, groups, and what is reserved with the broadcast.
        (0 | 10 | 127 | 224..=255, _, _)
        // Shared by providers (where some clouds have their metadata), links, private networks, benchmarks.
        | (100, 64..=127, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _) | (198, 18 | 19, _)
        // Protocols of the IETF, and documentation.
        | (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) => true,
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // An IPv4 address in another dress: mapped, and translated by NAT64 and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        // Teredo and documentation.
        [0x2001, 0 | 0xdb8, ..] => false,
        // Of the whole space only this part is public.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_with_or_without_a_port_and_nothing_else_is_one() {
        for (text, host, port) in [
            ("example.com", "Example.COM", 443),
            ("example.com:8443", "example.com", 8443),
            ("127.0.0.1:9000", "127.0.0.1", 9000),
            ("::1", "[::1]", 443),
            ("[2001:db8::1]:8080", "2001:db8::1", 8080),
        ] {
            let allowed: AllowedHost = text.parse().unwrap();
            assert!(allowed.is(host, port), "{text}");
            assert!(!allowed.is(host, port + 1) && !allowed.is("other.example", port), "{text}");
            assert_eq!(allowed.to_string().parse(), Ok(allowed));
        }
        for text in ["", ":443", "a b", "example.com:0", "example.com:x", "https://a", "*.a", "[::"]
        {
            assert!(text.parse::<AllowedHost>().is_err(), "{text}");
        }
        let name: AllowedHost = "localhost".parse().unwrap();
        assert!(!name.is_address("127.0.0.1".parse().unwrap(), 443), "a name names no address");
    }

    #[test]
    fn addresses_of_this_machine_of_private_networks_and_of_links_are_not_public() {
        for text in [
            "0.0.0.0",
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
