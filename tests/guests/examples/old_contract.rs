//! Exports the world of contract 0.1.0, which the host no longer supports.

wit_bindgen::generate!({
    inline: "
        package reprieve:policy@0.1.0;

        interface types {
            record descriptor {
                name: string,
                version: string,
                summary: string,
                rules: list<rule>,
                settings-schema: string,
                columns: list<string>,
            }

            record rule {
                code: string,
                summary: string,
                explanation: string,
                settings: list<string>,
            }
        }

        world policy {
            use types.{descriptor};
            export describe: func() -> descriptor;
            export open: func() -> result<_, string>;
        }
    ",
});

use reprieve::policy::types::Rule;

struct Policy;

impl Guest for Policy {
    fn describe() -> Descriptor {
        let rule = Rule {
            code: "rule".to_owned(),
            summary: "A rule.".to_owned(),
            explanation: String::new(),
            settings: Vec::new(),
        };
        Descriptor {
            name: "old-contract".to_owned(),
            version: "1.0.0".to_owned(),
            summary: "A policy of contract 0.1.0.".to_owned(),
            rules: vec![rule],
            settings_schema: r#"{"type":"object","properties":{},"additionalProperties":false}"#.to_owned(),
            columns: Vec::new(),
        }
    }

    fn open() -> Result<(), String> {
        Ok(())
    }
}

export!(Policy);
