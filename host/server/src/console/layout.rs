//! What every page has: its head, the way to the other pages, and the command that says the same.

use crate::auth::Caller;
use crate::clock::now;
use axum::response::Html;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use reprieve::model::Timestamp;
use reprieve::policy::Role;
use reprieve_report::render::html::Text;

/// A page.
pub(super) struct Page<'a> {
    pub title: &'a str,
    /// The command that says the same.
    pub command: Option<String>,
    /// Who looks at it.
    pub caller: Option<&'a Caller>,
}

impl Page<'_> {
    /// Renders the page around its content.
    pub fn render(&self, content: &Markup) -> Html<String> {
        let name = self.caller.and_then(|caller| caller.name.as_deref());
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (text(self.title)) " – Reprieve" }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href="/console.css";
                    script src="/console.js" defer {}
                }
                body {
                    a.skip href="#content" { "To the content" }
                    header {
                        nav aria-label="Console" {
                            a href="/" { "Now" }
                            a href="/policies" { "Policies" }
                        }
                        @if let Some(name) = name {
                            form method="post" action="/logout" { span { (text(name)) } button { "Sign out" } }
                        }
                    }
                    main id="content" { (content) }
                    @if let Some(command) = &self.command {
                        footer { p { "The same on the command line: " code { (text(command)) } } }
                    }
                }
            }
        };
        Html(page.into_string())
    }
}

/// Text of others.
pub(super) fn text(text: &str) -> Markup {
    PreEscaped(Text(text).to_string())
}

/// A time, and how long ago it is.
pub(super) fn time(at: Timestamp) -> Markup {
    let ago = now().seconds().saturating_sub(at.seconds()).max(0);
    html! { time datetime=(at.to_string()) { (at.to_string()) } " (" (duration(ago.unsigned_abs())) " ago)" }
}

/// A duration in its largest unit.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A form whose fields are sent as JSON to a route of the interface.
pub(super) fn action(caller: &Caller, role: Role, route: &str, button: &str, fields: &Markup) -> Markup {
    html! {
        @if caller.may(role) {
            form.action data-post=(route) {
                (fields)
                button { (button) }
                p.result role="status" aria-live="polite" {}
            }
        }
    }
}

/// A field of such a form.
pub(super) fn field(name: &str, label: &str, kind: &str, required: bool) -> Markup {
    html! {
        label {
            span { (label) }
            input name=(name) type=(if kind == "number" { "text" } else { kind }) required[required]
                inputmode=[(kind == "number").then_some("numeric")] data-kind=(kind) autocomplete="off";
        }
    }
}
