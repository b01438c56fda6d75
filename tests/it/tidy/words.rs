//! Words that stand nowhere in the tree: what is left for later, and tests that are asleep.

use super::source::files;

#[test]
fn nothing_is_left_for_later_and_no_test_is_asleep() {
    // Spelled apart, so that this file passes its own test.
    let forbidden = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["#[ig", "nore"],
        ["#[should_", "panic"],
        ["unimpl", "emented!"],
    ];
    for folder in ["src", "tests", "migrations", "assets", ".ci"] {
        for (name, text) in files(folder, "") {
            for parts in &forbidden {
                assert!(!text.contains(&parts.concat()), "{name} contains {}", parts.concat());
            }
        }
    }
}
