//! The example runs, and says what it should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../examples/pipeline.rs"]
#[allow(dead_code)]
mod pipeline;

#[test]
fn the_pipeline_deletes_what_may_go_and_stops_at_the_wrong_ids() {
    let lines = pipeline::run().unwrap();
    assert_eq!(lines[..3], ["left in May: deleted 8", "left in June: deleted 8", "a wrong query: not allowed"]);
    assert_eq!(lines[3], "  identity/kind-mismatch: 4 of 10 targets are `site`, but the request says `customer`");
    assert_eq!(lines.last().unwrap(), "88 customers are left");
}
