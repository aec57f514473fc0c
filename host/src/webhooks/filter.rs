//! Which addresses a webhook may reach: what is on the internet, and nothing that is only reachable from inside.
//!
//! Pure: it is asked about each address that a connection would be made to, and knows nothing of names. Blocks are
//! those that IANA's special-purpose registries (RFC 6890, as of 2025) do not mark as globally reachable, with
//! multicast and the forms of IPv6 that carry an IPv4 address along.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no block of addresses like 10.0.0.0/8 or fd00::/8, with no bit set behind its prefix")]
pub struct InvalidBlock;

impl Block {
    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(segments: [u16; 8], prefix: u8) -> Self {
        let s = segments;
        Self { address: IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7])), prefix }
    }

    /// Whether it holds this address.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(block), IpAddr::V4(address)) => {
                leading(u128::from(block.to_bits()) << 96, self.prefix)
                    == leading(u128::from(address.to_bits()) << 96, self.prefix)
            }
            (IpAddr::V6(block), IpAddr::V6(address)) => {
                leading(block.to_bits(), self.prefix) == leading(address.to_bits(), self.prefix)
            }
            _ => false,
        }
    }
}

/// The first `prefix` bits.
fn leading(bits: u128, prefix: u8) -> u128 {
    bits & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl FromStr for Block {
    type Err = InvalidBlock;

    /// An address alone is the block that holds nothing else.
    fn from_str(text: &str) -> Result<Self, InvalidBlock> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| InvalidBlock)?;
        let (bits, most) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match prefix {
            None => most,
            Some(text) => Some(text).filter(is_number).and_then(|text| text.parse().ok()).ok_or(InvalidBlock)?,
        };
        let is_block = prefix <= most && leading(bits, prefix) == bits;
        is_block.then_some(Self { address, prefix }).ok_or(InvalidBlock)
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Blocks that are refused, and what they are.
const REFUSED: &[(Block, &str)] = &[
    (Block::v4(0, 0, 0, 0, 8), "this network"),
    (Block::v4(10, 0, 0, 0, 8), "private"),
    (Block::v4(100, 64, 0, 0, 10), "shared by a carrier"),
    (Block::v4(127, 0, 0, 0, 8), "loopback"),
    (Block::v4(169, 254, 0, 0, 16), "link-local"),
    (Block::v4(172, 16, 0, 0, 12), "private"),
    (Block::v4(192, 0, 0, 0, 24), "for protocols"),
    (Block::v4(192, 0, 2, 0, 24), "documentation"),
    (Block::v4(192, 88, 99, 0, 24), "a 6to4 relay"),
    (Block::v4(192, 168, 0, 0, 16), "private"),
    (Block::v4(198, 18, 0, 0, 15), "benchmarking"),
    (Block::v4(198, 51, 100, 0, 24), "documentation"),
    (Block::v4(203, 0, 113, 0, 24), "documentation"),
    (Block::v4(224, 0, 0, 0, 4), "multicast"),
    (Block::v4(240, 0, 0, 0, 4), "reserved"),
    // Unspecified, loopback and IPv4-compatible; what is mapped and translated is looked at by what it carries.
    (Block::v6([0, 0, 0, 0, 0, 0, 0, 0], 96), "unspecified, loopback or IPv4-compatible"),
    (Block::v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), "translated"),
    (Block::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "translated locally"),
    (Block::v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discarding"),
    (Block::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "for protocols"),
    (Block::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation"),
    (Block::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation"),
    (Block::v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), "segment routing"),
    (Block::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "unique local"),
    (Block::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),
    (Block::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site-local"),
    (Block::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
];

/// All of IPv6 that was ever given out for the internet (RFC 4291, section 2.5.4), and the prefix of NAT64.
const GLOBAL_V6: Block = Block::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const NAT64: Block = Block::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const SIX_TO_FOUR: Block = Block::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);
const TEREDO: Block = Block::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);

/// Which addresses may be reached.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    allowed: Vec<Block>,
}

impl Filter {
    /// The internet, and beside it what an operator of the host allows.
    pub fn new(allowed: Vec<Block>) -> Self {
        Self { allowed }
    }

    /// Whether an address may be reached.
    ///
    /// # Errors
    /// What it is, as the end of a sentence: `loopback`.
    pub fn check(&self, address: IpAddr) -> Result<(), &'static str> {
        if self.is_allowed(address) {
            return Ok(());
        }
        if let IpAddr::V6(v6) = address {
            // What an address carries along is judged by the same rules, wherever it is routed.
            for carried in carried_by(v6) {
                let carried = IpAddr::V4(carried);
                if !self.is_allowed(carried) {
                    refuse(carried)?;
                }
            }
            if v6.to_ipv4_mapped().is_some() || NAT64.holds(address) {
                return Ok(());
            }
        }
        refuse(address)
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|block| block.holds(address))
    }
}

fn refuse(address: IpAddr) -> Result<(), &'static str> {
    if let Some((_, what)) = REFUSED.iter().find(|(block, _)| block.holds(address)) {
        return Err(what);
    }
    if address.is_ipv6() && !GLOBAL_V6.holds(address) { Err("not of the internet") } else { Ok(()) }
}

/// The IPv4 addresses that an IPv6 address stands for or goes through: mapped (RFC 4291), NAT64 (RFC 6052), 6to4
/// (RFC 3056), and the server and the client of Teredo (RFC 4380).
fn carried_by(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let bits = address.to_bits();
    let at = |shift: u32| Ipv4Addr::from_bits(u32::try_from(bits >> shift & u128::from(u32::MAX)).unwrap_or(0));
    let ip = IpAddr::V6(address);
    if address.to_ipv4_mapped().is_some() || NAT64.holds(ip) {
        vec![at(0)]
    } else if SIX_TO_FOUR.holds(ip) {
        vec![at(80)]
    } else if TEREDO.holds(ip) {
        vec![at(64), Ipv4Addr::from_bits(!at(0).to_bits())]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), &'static str> {
        Filter::default().check(text.parse().unwrap())
    }

    #[test]
    fn nothing_inside_is_reached() {
        for (address, what) in [
            ("0.0.0.0", "this network"),
            ("0.1.2.3", "this network"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "shared by a carrier"),
            ("100.127.255.255", "shared by a carrier"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("169.254.169.254", "link-local"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.170", "for protocols"),
            ("192.0.2.1", "documentation"),
            ("192.168.1.1", "private"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.7", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.250", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified, loopback or IPv4-compatible"),
            ("::1", "unspecified, loopback or IPv4-compatible"),
            ("::7f00:1", "unspecified, loopback or IPv4-compatible"),
            ("::8.8.8.8", "unspecified, loopback or IPv4-compatible"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:169.254.169.254", "link-local"),
            ("::ffff:0:8.8.8.8", "translated"),
            ("64:ff9b::10.0.0.1", "private"),
            ("64:ff9b:1::8.8.8.8", "translated locally"),
            ("2002:7f00:1::1", "loopback"),
            ("2002:a9fe:a9fe::", "link-local"),
            ("2001:0:a00:1::1", "private"),
            ("2001:0:4136:e378:8000:63bf:80ff:fffe", "loopback"),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "documentation"),
            ("100::1", "discarding"),
            ("2001:db8::1", "documentation"),
            ("3fff::1", "documentation"),
            ("fc00::1", "unique local"),
            ("fdff::1", "unique local"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            ("4000::1", "not of the internet"),
            ("1::1", "not of the internet"),
        ] {
            assert_eq!(check(address), Err(what), "{address}");
        }
    }

    #[test]
    fn the_internet_is_reached() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(check(address), Ok(()), "{address}");
        }
    }

    #[test]
    fn what_the_host_allows_is_reached_and_nothing_beside() {
        let filter = Filter::new(vec!["127.0.0.1/32".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        for (address, is_reached) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", false),
            ("fd00:1::7", true),
            ("fd00:2::7", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(filter.check(address.parse().unwrap()).is_ok(), is_reached, "{address}");
        }
    }

    #[test]
    fn blocks_are_read_whole_or_not_at_all() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "127.0.0.1/32", "::1/128"] {
            assert_eq!(good.parse::<Block>().unwrap().to_string(), good);
        }
        assert_eq!("127.0.0.1".parse::<Block>().unwrap().to_string(), "127.0.0.1/32");
        let bad = [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "::/129",
            "fd00::1/8",
            "10.0.0.0/+8",
            "localhost",
            "10.0.0.0/8/8",
            "010.0.0.0/8",
            "10.0.0/8",
            "10.0.0.0/ 8",
        ];
        for bad in bad {
            assert_eq!(bad.parse::<Block>(), Err(InvalidBlock), "{bad}");
        }
    }
}
