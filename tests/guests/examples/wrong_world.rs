//! Is a component of another world.

wit_bindgen::generate!({ inline: "package hostile:other; world other { export hello: func() -> string; }" });

struct Other;

impl Guest for Other {
    fn hello() -> String {
        "hello".to_owned()
    }
}

export!(Other);
