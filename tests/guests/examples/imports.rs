//! Imports a function of the host.

wit_bindgen::generate!({
    inline: "package hostile:imports; world policy { import delete-everything: func(); export describe: func(); }",
});

struct Policy;

impl Guest for Policy {
    fn describe() {
        delete_everything();
    }
}

export!(Policy);
