//! The tree itself: what is prebuilt belongs to its sources, the contract still fits what was
//! released, and modules name only what they may.

#[test]
fn prebuilt_components_belong_to_the_present_sources() {
    xtask::plugins::check(&xtask::root()).unwrap();
}

#[test]
fn the_contract_fits_what_was_released() {
    xtask::contract::check(&xtask::root()).unwrap();
}

#[test]
fn the_tree_is_tidy() {
    xtask::tidy::check(&xtask::root()).unwrap();
}
