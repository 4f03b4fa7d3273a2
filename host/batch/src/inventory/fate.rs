//! Where backups share the fate of what is deleted: the same thing, a place inside it, or a place beside it in the same
//! bucket, account or host.
//!
//! People write one place in many ways: `s3://Data/backups/`, `arn:aws:s3:::data/backups`, `data/backups`. Each becomes
//! a list of steps from the outermost to the innermost.

use crate::columns::Store;
use crate::error::LookupError;
use hashbrown::HashSet;
use reprieve_model::Claims;
use serde::{Deserialize, Serialize};

/// Which of the places share the fate of the ids that were seen.
pub(crate) struct Fates<'a> {
    names: Vec<&'a str>,
    places: Vec<Place>,
    /// Every step of the places, by which most ids are told apart at once.
    steps: HashSet<String>,
    pub seen: Vec<Seen>,
}

/// What was seen of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// It is one of the things, or inside one.
    pub inside: bool,
    /// One of the things is in the same bucket, account or host.
    pub beside: bool,
}

impl<'a> Fates<'a> {
    /// Of the places that the evidence of a request relies on: backups and their locations, and the copy of a migration.
    pub fn of_evidence(claims: &'a Claims) -> Self {
        let recovery = claims.recovery.iter().filter_map(|recovery| recovery.checkpoints.as_deref()).flatten();
        let backups = recovery.flat_map(|checkpoint| [checkpoint.id.as_deref(), checkpoint.location.as_deref()]);
        let copy = claims.migration.iter().map(|migration| migration.copy.as_deref());
        Self::new(backups.chain(copy).flatten().collect())
    }

    /// Of these places, as the request names them.
    fn new(names: Vec<&'a str>) -> Self {
        let places: Vec<Place> = names.iter().map(|name| Place::read(name)).collect();
        let steps = places.iter().flat_map(|place| place.steps.iter().cloned()).collect();
        Self { seen: vec![Seen::default(); names.len()], names, places, steps }
    }

    /// The places, as the request names them.
    pub fn names(&self) -> &[&'a str] {
        &self.names
    }

    /// Sees every target of a list.
    pub fn see_targets(&mut self, targets: &Store) -> Result<(), LookupError> {
        if self.names.is_empty() {
            return Ok(());
        }
        for chunk in targets.iter() {
            chunk?.ids().flatten().for_each(|id| self.see(id));
        }
        Ok(())
    }

    /// Adds what was seen of the same places elsewhere.
    pub fn add(&mut self, elsewhere: &[Seen]) {
        for (seen, other) in self.seen.iter_mut().zip(elsewhere) {
            seen.inside |= other.inside;
            seen.beside |= other.beside;
        }
    }

    /// Sees a thing that is deleted.
    pub fn see(&mut self, id: &str) {
        if let Some(i) = self.names.iter().position(|name| *name == id) {
            self.seen[i].inside = true;
        }
        if !self.has_a_step(id) {
            return;
        }
        let thing = Place::read(id);
        for (seen, place) in self.seen.iter_mut().zip(&self.places) {
            seen.inside |= place.is_inside(&thing);
            seen.beside |= place.is_beside(&thing);
        }
    }

    /// Whether a part of the id is a step of one of the places.
    fn has_a_step(&self, id: &str) -> bool {
        let parts = id.split(|c: char| matches!(c, '/' | '\\' | ':' | '@' | '.') || c.is_whitespace());
        parts
            .filter(|part| !part.is_empty())
            .any(|part| self.steps.contains(part) || self.steps.contains(part.to_lowercase().as_str()))
    }
}

/// A place: where a thing is.
#[derive(Debug, Default, PartialEq)]
struct Place {
    /// From the outermost to the innermost, in lower case.
    steps: Vec<String>,
    /// The number of the first steps that name its bucket, account or host. 0: that is unknown.
    container: usize,
}

/// Words for parts of any place, which name no container.
const ANY: [&str; 12] = [
    "aws",
    "azure",
    "gcp",
    "prod",
    "production",
    "backup",
    "backups",
    "snapshot",
    "snapshots",
    "data",
    "vault",
    "vaults",
];

impl Place {
    fn read(text: &str) -> Self {
        let text = text.trim().to_lowercase().replace('\\', "/");
        if let Some(name) = text.strip_prefix("arn:") {
            return Self::of_arn(name);
        }
        if let Some((_, rest)) = text.split_once("://") {
            return Self::of_url(rest);
        }
        if let Some(rest) = text.strip_prefix("//") {
            return Self { steps: steps(rest), container: 1 };
        }
        if let Some((host, path)) = text.split_once(":/") {
            let mut all = vec![host.rsplit('@').next().unwrap_or(host).to_owned()];
            all.extend(steps(path));
            return Self { steps: all, container: 1 };
        }
        let steps = steps(&text);
        let after = |word: &str| steps.iter().position(|step| step == word).map(|at| at + 2);
        let account = ["subscriptions", "projects", "accounts"].into_iter().find_map(after);
        let container = match account {
            Some(end) if end <= steps.len() => end,
            // A path on an unknown host has no container, and neither has a name of one step.
            _ if text.starts_with('/') || steps.len() < 2 => 0,
            _ => usize::from(!steps.first().is_some_and(|step| ANY.contains(&step.as_str()))),
        };
        Self { steps, container }
    }

    /// `partition:service:region:account:resource`.
    fn of_arn(name: &str) -> Self {
        let fields: Vec<&str> = name.splitn(5, ':').collect();
        let [_, _, _, account, resource] = fields[..] else { return Self { steps: steps(name), container: 0 } };
        let mut all: Vec<String> =
            Some(account).filter(|account| !account.is_empty()).map(str::to_owned).into_iter().collect();
        all.extend(resource.split(':').flat_map(steps));
        Self { steps: all, container: 1 }
    }

    /// What follows `scheme://`.
    fn of_url(rest: &str) -> Self {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        let store = [".amazonaws.com", ".googleapis.com", ".blob.core.windows.net", ".dfs.core.windows.net"];
        let mut all = Vec::new();
        match store.into_iter().find_map(|store| host.strip_suffix(store)) {
            // `bucket.s3.region`, `s3.region`, `storage`, `account`: a bucket in the name of the host, or in the path.
            Some(name) => {
                let bucket = name.split_once(".s3").map_or(name, |(bucket, _)| bucket);
                let is_service =
                    bucket == "storage" || bucket == "s3" || bucket.starts_with("s3.") || bucket.starts_with("s3-");
                all.extend(Some(bucket).filter(|_| !is_service).map(str::to_owned));
            }
            None => all.push(host.to_owned()),
        }
        all.extend(steps(path));
        Self { steps: all, container: 1 }
    }

    /// Whether it is this thing, or inside it.
    fn is_inside(&self, thing: &Self) -> bool {
        let (own, other) = (&self.steps, &thing.steps);
        if other.is_empty() {
            return false;
        }
        if own.starts_with(other) {
            return true;
        }
        // The thing may be named without what it is in. A number or a letter names too many things.
        let names_one = other.iter().any(|step| step.len() >= 3 && step.chars().any(char::is_alphabetic))
            && !(other.len() == 1 && ANY.contains(&other[0].as_str()));
        names_one && own.windows(other.len()).any(|part| part == other)
    }

    /// Whether the thing is in the same bucket, account or host.
    fn is_beside(&self, thing: &Self) -> bool {
        self.container > 0
            && thing.container > 0
            && self.steps.get(..self.container).is_some_and(|own| thing.steps.get(..thing.container) == Some(own))
    }
}

/// The steps of a path, without empty ones, `.` and `..`.
fn steps(path: &str) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for step in path.split('/').map(str::trim) {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step.to_owned()),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(place: &str, thing: &str) -> (bool, bool) {
        let mut fates = Fates::new(vec![place]);
        fates.see(thing);
        (fates.seen[0].inside, fates.seen[0].beside)
    }

    #[test]
    fn a_place_inside_a_thing_shares_its_fate() {
        for (place, thing) in [
            ("snap-1", "snap-1"),
            ("Snap-1 ", "snap-1"),
            ("/srv/data/backups/1", "/srv/data"),
            ("/srv/data/backups/1", "/srv/data/"),
            ("/srv/./data//backups", "/srv/data"),
            ("/srv/other/../data/b", "/srv/data"),
            ("s3://Bucket-1/backups", "bucket-1"),
            ("s3://bucket-1/backups", "arn:aws:s3:::bucket-1"),
            ("https://bucket-1.s3.eu-west-1.amazonaws.com/b", "s3://bucket-1"),
            ("https://s3.amazonaws.com/bucket-1/b", "bucket-1"),
            ("https://storage.googleapis.com/bucket-1/b", "gs://bucket-1"),
            ("https://account1.blob.core.windows.net/c/b", "account1"),
            ("offsite-account/vault-2", "offsite-account"),
            ("offsite-account/vault-2", "vault-2"),
            ("db1:/backups/dump", "db1"),
            (r"\\nas\share\dump", "nas"),
            ("arn:aws:rds:eu-west-1:123456789012:snapshot:nightly", "nightly"),
        ] {
            assert!(fate(place, thing).0, "{place} in {thing}");
        }
        for (place, thing) in [
            ("/srv/data-backup/1", "/srv/data"),
            ("/srv/data", "/srv/data/1"),
            ("offsite-account/vault-2", "vault"),
            ("vault/1", "1"),
            ("offsite/backups/7", "backups"),
            ("offsite-account/vault-2", ""),
            ("", "app-1"),
        ] {
            assert!(!fate(place, thing).0, "{place} not in {thing}");
        }
    }

    #[test]
    fn a_place_in_the_same_container_is_beside() {
        for (place, thing) in [
            ("s3://bucket-1/backups", "bucket-1/key-1"),
            ("s3://bucket-1/backups", "arn:aws:s3:::bucket-1/key-1"),
            ("arn:aws:rds:eu-west-1:123456789012:snapshot:x", "arn:aws:rds:us-east-1:123456789012:db:y"),
            ("db1:/backups/dump", "db1:/var/lib/db"),
            ("/subscriptions/5f/resourceGroups/b", "/subscriptions/5f/resourceGroups/a/providers/x"),
            ("projects/shop/snapshots/1", "projects/shop/disks/1"),
        ] {
            assert!(fate(place, thing).1, "{place} beside {thing}");
        }
        for (place, thing) in [
            ("s3://bucket-2/backups", "bucket-1/key-1"),
            ("arn:aws:s3:::bucket-2/b", "arn:aws:s3:::bucket-1/k"),
            ("arn:aws:rds:eu:111111111111:snapshot:x", "arn:aws:rds:eu:222222222222:db:x"),
            ("/subscriptions/5f/resourceGroups/b", "/subscriptions/6a/resourceGroups/b"),
            ("/backups/1", "/srv/1"),
            ("aws/vault-2", "aws/i-1"),
            ("offsite-account/vault-2", "app-1"),
        ] {
            assert!(!fate(place, thing).1, "{place} not beside {thing}");
        }
    }
}
