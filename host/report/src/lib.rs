//! A decision as people and other programs read it: lines of a terminal, a page of HTML, SARIF, JUnit and the other outputs
//! of continuous integration. Text of others is shown, and never obeyed.
//!
//! Order: `escape < output`, and `status, output < render`.

mod escape;
#[macro_use]
pub mod output;

pub mod render;
pub mod status;
