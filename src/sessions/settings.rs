//! The settings for agents: limits, budgets, and the three tiers.

use super::Agents;
use crate::agents::claude::Model;
use crate::engine::Context;
use crate::error::Result;
use crate::model::{BUDGET_DAY, BUDGET_MONTH, Outcome, Profile, Setting, usd};
use crate::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// Longest time a run may be given.
const MAX_MINUTES: u64 = 24 * 60;
/// Most turns a run may be given.
const MAX_TURNS: u64 = 1_000;

macro_rules! settings {
    ($($name:ident = $key:literal, $default:literal, $takes:literal, $read:expr;)*) => {
        $(const $name: &str = $key;)*
        /// Their names.
        const KEYS: &[&str] = &[$($key,)*];
        /// Every setting of agents.
        pub const SETTINGS: &[Setting] = &[
            BUDGET_DAY,
            BUDGET_MONTH,
            $(Setting { key: $key, default: $default, takes: $takes, read: $read },)*
        ];
    };
}

settings! {
    RUN = "agent.budget_run_usd", "2", "dollars above 0 that a run may cost", |text| usd(text, false);
    TURNS = "agent.max_turns", "40", "turns from 1 to 1000", |text| whole(text, MAX_TURNS);
    WALL = "agent.max_minutes", "30", "minutes from 1 to 1440 that a run may take", |text| whole(text, MAX_MINUTES);
    IDLE = "agent.idle_minutes", "5", "minutes from 1 to 1440 without a sign of life", |text| whole(text, MAX_MINUTES);
    MAX_TIER = "agent.max_tier", "1", "1, 2 or 3: up to where a session may hand on by itself", |text| whole(text, 3);
    MODEL_1 = "agent.tier_1_model", "haiku", "a model: opus, sonnet, haiku or a full name", model;
    MODEL_2 = "agent.tier_2_model", "sonnet", "a model: opus, sonnet, haiku or a full name", model;
    MODEL_3 = "agent.tier_3_model", "opus", "a model: opus, sonnet, haiku or a full name", model;
    PROFILE_1 = "agent.tier_1_profile", "read-only", "read-only, workspace or full", profile;
    PROFILE_2 = "agent.tier_2_profile", "read-only", "read-only, workspace or full", profile;
    PROFILE_3 = "agent.tier_3_profile", "workspace", "read-only, workspace or full", profile;
}

fn whole(text: &str, most: u64) -> Option<Value> {
    text.parse::<u64>().ok().filter(|number| (1..=most).contains(number)).map(Value::from)
}

fn model(text: &str) -> Option<Value> {
    Model::parse(text).ok().map(|model| model.as_str().into())
}

fn profile(text: &str) -> Option<Value> {
    let profile = Profile::from_str(text).ok().filter(|profile| *profile != Profile::Scan)?;
    Some(profile.as_str().into())
}

/// Puts a job off whose run would cost money while a budget is used up, for kinds that may do without a run; those that
/// never can are put off before they start.
pub async fn put_off(agents: &Agents, context: &Context) -> Result<Option<Outcome>> {
    let now = context.clock.now();
    let (spent, budgets) = agents.store.spent(context.job.schedule_id, now).await?;
    let Some(over) = budgets.over(spent, None, now) else { return Ok(None) };
    context.progress(format!("Waits until {}: {}.", over.until, over.reason)).await?;
    Ok(Some(context.over_budget(over)))
}

/// What the settings say, read once for a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    /// Dollars that a run may cost.
    pub run_usd: f64,
    /// Turns that it may take.
    pub max_turns: u32,
    /// How long it may take.
    pub wall: Duration,
    /// How long it may show no sign of life.
    pub idle: Duration,
    /// Up to which tier a session may hand on by itself.
    pub max_tier: u8,
    /// The tiers, from the first.
    pub tiers: [Tier; 3],
}

/// What a tier is run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Its model.
    pub model: String,
    /// What its agent may do.
    pub profile: Profile,
    /// The prompt file whose text is added to the program's own.
    pub prompt_file: &'static str,
}

/// Reads the settings. One that another hand made unreadable counts as not set.
pub async fn wishes(store: &Store) -> Result<Wishes> {
    let set = store.settings(KEYS).await?;
    Ok(read(&set))
}

fn read(set: &BTreeMap<&'static str, Value>) -> Wishes {
    let value = |key: &str| {
        let setting = SETTINGS.iter().find(|setting| setting.key == key);
        setting.expect("every name is in the table").of(set)
    };
    let number = |key| value(key).as_u64().unwrap_or(1);
    let minutes = |key| Duration::from_mins(number(key));
    let tier = |model, profile, prompt_file| Tier {
        model: Setting::text(&value(model)),
        profile: Setting::text(&value(profile)).parse().unwrap_or(Profile::ReadOnly),
        prompt_file,
    };
    Wishes {
        run_usd: value(RUN).as_f64().unwrap_or(1.0),
        max_turns: number(TURNS) as u32,
        wall: minutes(WALL),
        idle: minutes(IDLE),
        max_tier: number(MAX_TIER) as u8,
        tiers: [
            tier(MODEL_1, PROFILE_1, "tier_1_observe"),
            tier(MODEL_2, PROFILE_2, "tier_2_investigate"),
            tier(MODEL_3, PROFILE_3, "tier_3_remediate"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_that_the_setting_takes() {
        for setting in SETTINGS {
            assert!(setting.parse(setting.default).is_ok(), "{}", setting.key);
        }
        let plain = read(&BTreeMap::new());
        assert_eq!((plain.max_turns, plain.max_tier), (40, 1));
        assert_eq!(plain.tiers[2].profile, Profile::Workspace);
    }

    #[test]
    fn values_out_of_range_are_refused_and_unreadable_ones_count_as_not_set() {
        let setting = |key| SETTINGS.iter().find(|setting| setting.key == key).unwrap();
        for (key, bad) in [
            (RUN, "0"),
            (RUN, "-1"),
            (RUN, "NaN"),
            (RUN, "1e9"),
            (BUDGET_DAY.key, "lots"),
            (TURNS, "0"),
            (TURNS, "1.5"),
            (WALL, "1441"),
            (MAX_TIER, "4"),
            (MODEL_1, "--model"),
            (PROFILE_1, "scan"),
            (PROFILE_1, "Full"),
        ] {
            let error = setting(key).parse(bad).unwrap_err();
            assert!(error.to_string().contains(setting(key).takes), "{error}");
        }
        assert_eq!(BUDGET_MONTH.parse("0").unwrap(), 0.0);
        let odd = BTreeMap::from([(TURNS, Value::from("many")), (MAX_TIER, Value::from(2))]);
        let read = read(&odd);
        assert_eq!((read.max_turns, read.max_tier), (40, 2));
    }
}
