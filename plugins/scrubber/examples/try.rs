//! Tries.
use sluice_plugin::scrubber::{ScrubInput, Scrubber};
fn main() {
    let all = std::io::read_to_string(std::io::stdin()).unwrap();
    for text in all.split("\n%%\n") {
        let r = sluice_scrubber::TextScrubber::scrub(&ScrubInput { text: text.to_owned(), data: "{}".into() }).unwrap();
        let mut o = String::new();
        let mut d = 0;
        for x in &r.redactions {
            o += &text[d..x.start as usize];
            o += &x.replacement;
            d = x.end as usize;
        }
        o += &text[d..];
        println!("{} {text}\n  => {o}", if o == text { "CLEAN" } else { "  CUT" });
    }
}
