//! The filter of addresses against the standard library's own words for them, over all there are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use sluice::engine::ports::Postman as _;
use sluice::webhooks::{Courier, Filter, WebhookOptions};

/// Addresses of every kind, those at the edges of blocks oftener than chance would have them.
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    let first = prop::sample::select(vec![0_u8, 10, 100, 127, 169, 172, 192, 198, 203, 224, 239, 240, 255, 8, 93]);
    let second = prop::sample::select(vec![0_u8, 15, 16, 18, 19, 31, 32, 51, 63, 64, 88, 127, 128, 168, 254, 255]);
    prop_oneof![
        any::<u32>().prop_map(Ipv4Addr::from_bits),
        (first, second, any::<u8>(), any::<u8>()).prop_map(|(a, b, c, d)| Ipv4Addr::new(a, b, c, d)),
    ]
}

fn is_inside_v4(address: Ipv4Addr) -> bool {
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_unspecified()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_library_calls_inside_is_refused(address in v4()) {
        let refused = Filter::default().check(IpAddr::V4(address)).is_err();
        prop_assert!(refused || !is_inside_v4(address), "{address}");
        let shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
        let more = shared || address.octets()[0] == 0 || address.octets()[0] >= 240;
        prop_assert!(refused || !more, "{address}");
    }

    #[test]
    fn an_address_carried_along_is_judged_as_itself(address in v4(), low in any::<u64>()) {
        let filter = Filter::default();
        let alone = filter.check(IpAddr::V4(address));
        let bits = u128::from(address.to_bits());
        let mapped = address.to_ipv6_mapped();
        let nat64 = Ipv6Addr::from_bits(0x0064_ff9b_u128 << 96 | bits);
        let six_to_four = Ipv6Addr::from_bits(0x2002_u128 << 112 | bits << 80 | u128::from(low));
        for carrier in [mapped, nat64, six_to_four] {
            prop_assert_eq!(filter.check(IpAddr::V6(carrier)), alone, "{} in {}", address, carrier);
        }
        let compatible = Ipv6Addr::from_bits(bits);
        prop_assert!(filter.check(IpAddr::V6(compatible)).is_err(), "{}", compatible);
        let teredo = Ipv6Addr::from_bits(0x2001_0000_u128 << 96 | u128::from(!address.to_bits()));
        prop_assert!(filter.check(IpAddr::V6(teredo)).is_err(), "{}", teredo);
    }

    #[test]
    fn the_newer_addresses_too(bits in any::<u128>(), prefix in prop::sample::select(vec![0_u16, 0x2000, 0x3000, 0xfc00, 0xfd12, 0xfe80, 0xff02])) {
        let address = Ipv6Addr::from_bits(bits >> 16 | u128::from(prefix) << 112);
        let inside = address.is_loopback() || address.is_unspecified() || address.is_multicast()
            || address.is_unique_local() || address.is_unicast_link_local();
        let is_global = (address.segments()[0] & 0xe000) == 0x2000;
        let refused = Filter::default().check(IpAddr::V6(address)).is_err();
        prop_assert!(refused || (is_global && !inside), "{}", address);
    }

    #[test]
    fn every_spelling_of_an_address_is_the_same_address(address in v4(), spelling in 0..6_usize) {
        let [a, b, c, d] = address.octets();
        let bits = address.to_bits();
        let spelled = match spelling {
            0 => bits.to_string(),
            1 => format!("0x{bits:x}"),
            2 => format!("0{bits:o}"),
            3 => format!("{a}.{}", bits & 0x00ff_ffff),
            4 => format!("0x{a:X}.0{b:o}.{c}.{d}."),
            _ => format!("%{:02x}{}", address.to_string().as_bytes()[0], &address.to_string()[1..]),
        };
        let courier = courier();
        let plain = courier.address(&format!("https://{address}/"));
        prop_assert_eq!(courier.address(&format!("https://{spelled}/")), plain, "{}", spelled);
    }
}

fn courier() -> &'static Courier {
    static COURIER: std::sync::OnceLock<Courier> = std::sync::OnceLock::new();
    COURIER.get_or_init(|| Courier::new(WebhookOptions::default()).expect("a client can be made"))
}
