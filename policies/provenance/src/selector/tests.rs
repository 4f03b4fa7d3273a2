use super::*;

fn is_all_of(selector: &str) -> bool {
    matches!(reach(selector), Reach::All(_))
}

#[test]
fn finds_selectors_that_select_everything() {
    let mut wrong = Vec::new();
    for selector in include_str!("all.txt").lines().chain(["", " "]) {
        if !is_all_of(selector) {
            wrong.push(format!("{selector}: {:?}", reach(selector)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn never_takes_an_open_selector_for_a_bounded_one() {
    let mut wrong = Vec::new();
    for selector in include_str!("open.txt").lines() {
        if matches!(reach(selector), Reach::Bounded) {
            wrong.push(selector);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn accepts_selectors_that_are_bounded() {
    let mut wrong = Vec::new();
    for selector in include_str!("bounded.txt").lines() {
        if reach(selector) != Reach::Bounded {
            wrong.push(format!("{selector}: {:?}", reach(selector)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn finds_queries_without_a_condition_and_complements() {
    for unconditional in [
        "SELECT id FROM apps",
        "select id from apps where 1 = 1",
        "select id from apps -- where retired",
        "select id from apps where id is not null",
        "select id from apps where id >= 0",
        "select id from apps where name like '%'",
        "select id from t where a = 2 or ((2 > 1))",
        "select id from t where not (false)",
    ] {
        assert!(query(unconditional).unconditional.is_some(), "{unconditional}");
    }
    for fine in [
        "SELECT id FROM apps WHERE retired",
        "gcloud images list --filter=retired",
        "select id from apps where kind = 'app'",
        "select id from apps where deleted_at is not null",
        "select id from apps where created_at < now() - interval '30 days'",
        "select id from t where 'a' = 'ab'",
        "select id from t where 1 = 1 and retired",
        "delete from users where name = 'x or 1=1'",
        "all apps that are retired",
        "https://cmdb.example/apps?retired=true",
    ] {
        assert_eq!(query(fine), Query::default(), "{fine}");
    }
    for complement in [
        "select id from images where id not in (select id from catalogue)",
        "a EXCEPT b",
        "select a.id from a left join b on a.id = b.id where b.id is null",
        "select a.id from a left outer join b using (id) where b.id is null",
        "select a.id from a full outer join b on a.id = b.id where b.id is null",
        "comm -23 all.txt keep.txt",
        "df[~df.id.isin(keep)]",
        "grep -vFf keep.txt all.txt",
        "a anti join b",
    ] {
        assert!(query(complement).is_complement, "{complement}");
    }
    assert!(!query("select id from images where retired and not in_use").is_complement);
}

#[test]
fn ends_for_any_text() {
    let pieces = [
        "(", ")", "{", "[", "\"", "'", " and ", " or ", "not ", "=", "a", "*", "/", "--", "select", " from ",
        " where ", ":", ",", "é", "\u{200b}", "$(", "|", "- ", "in", " in (", "&", "~", ";",
    ];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        reach(&text);
        query(&text);
    }
    for deep in ["delete from t where id in (select id from t where id in (", "(", "{\"a\":", "[", "not ", "!(", "(&"]
    {
        reach(&deep.repeat(100_000));
    }
}
