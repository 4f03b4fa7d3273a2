//! Time zones. A policy has no clock and no zone database, so the host looks up how far the clock of a zone is ahead of
//! UTC. The database is part of this program: one release knows the same zones on every machine.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use reprieve_model::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// The `format` in the schema of a setting that names a zone.
const FORMAT: &str = "time-zone";

/// The zones that the settings of a set name.
#[derive(Debug, Default)]
pub(crate) struct Zones(BTreeMap<String, TimeZone>);

impl Zones {
    /// Adds the zones that the settings of a policy name, set by the operator or by default.
    pub fn add(&mut self, schema: &Value, settings: &str) -> Result<(), String> {
        let settings: Value = serde_json::from_str(settings).map_err(|error| error.to_string())?;
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, property) in properties.filter(|(_, property)| property["format"] == FORMAT) {
            let zone = settings.get(name).unwrap_or(&property["default"]).as_str().unwrap_or_default();
            let known = TimeZoneDatabase::bundled().get(zone).map_err(|_| {
                format!("settings `/{name}`: there is no time zone `{zone}`; use a name such as `Europe/Berlin`")
            })?;
            self.0.insert(zone.to_owned(), known);
        }
        Ok(())
    }

    /// The seconds by which the clock of each zone is ahead of UTC at that time.
    pub fn offsets(&self, at: Timestamp) -> BTreeMap<String, i64> {
        let Ok(at) = jiff::Timestamp::from_second(at.seconds()) else { return BTreeMap::new() };
        self.0.iter().map(|(name, zone)| (name.clone(), i64::from(zone.to_offset(at).seconds()))).collect()
    }
}
