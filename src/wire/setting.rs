//! Settings: their values and what they take.

use crate::model;
use serde::Serialize;
use serde_json::Value;

/// A setting as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// Its name.
    pub key: &'static str,
    /// Its value: a truth value, a number or a text.
    pub value: Value,
    /// Its default: the value while nobody has set it.
    pub default: Value,
    /// Whether a person has set it.
    pub is_set: bool,
    /// The heading that it stands under.
    pub group: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// The type of its values: `switch`, `choice`, `model`, `cadence`, `whole`, `dollars` or `text`.
    #[serde(rename = "type")]
    pub value_type: &'static str,
    /// What a number counts.
    pub unit: Option<String>,
    /// The smallest number that is taken, or the one that it must be above.
    pub least: Option<u32>,
    /// The largest number that is taken.
    pub most: Option<u32>,
    /// The values that are offered for choice.
    pub offered: Vec<&'static str>,
    /// What it takes, in words.
    pub takes: String,
}

/// Settings that were changed.
#[derive(Clone, Debug, Serialize)]
pub struct SettingsChanged {
    /// `saved`.
    pub status: &'static str,
    /// The settings that the request named, as they are now.
    pub settings: Vec<Setting>,
}

impl From<&model::SettingState> for Setting {
    fn from(state: &model::SettingState) -> Self {
        let setting = state.setting;
        let range = setting.values.range();
        Self {
            key: setting.key,
            value: state.value.clone(),
            default: setting.default_value(),
            is_set: state.is_set,
            group: setting.group.as_str(),
            label: setting.label,
            value_type: setting.values.as_str(),
            unit: setting.values.unit(),
            least: range.map(|(least, _)| least),
            most: range.map(|(_, most)| most),
            offered: setting.values.offered().iter().map(|offered| offered.word).collect(),
            takes: setting.takes(),
        }
    }
}
