//! The settings for agents: limits, budgets, and the three tiers.

use super::Agents;
use crate::engine::Context;
use crate::error::Result;
use crate::model::settings::{
    self, IDLE_MINUTES, MAX_MINUTES, MAX_TIER, MAX_TURNS, RUN_BUDGET, TIER_1_MODEL, TIER_1_PROFILE,
    TIER_2_MODEL, TIER_2_PROFILE, TIER_3_MODEL, TIER_3_PROFILE,
};
use crate::model::{Outcome, Profile, Reserve, Setting, set_aside};
use crate::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// When a run asks again for dollars that others may use up.
const ASK_AGAIN: Duration = Duration::from_secs(20);

/// Dollars for a run.
#[derive(Clone, Debug)]
pub enum Dollars {
    /// So many are set aside for it until it is paid.
    Granted(f64),
    /// There are none now.
    None {
        /// Why, for people.
        why: String,
        /// How the job goes on if it cannot do without a run.
        outcome: Outcome,
    },
}

/// Sets dollars aside for a job's run, at most `wanted`; `schedule` is what its schedule may cost a day.
///
/// # Errors
/// `STORE-LEASE-001` if the job is not this handler's any more.
pub async fn reserve(
    agents: &Agents,
    context: &Context,
    wanted: f64,
    schedule: Option<f64>,
) -> Result<Dollars> {
    let now = context.clock.now();
    Ok(match agents.store.reserve(context.lease.clone(), wanted, schedule, now).await? {
        Reserve::Granted(usd) => Dollars::Granted(usd),
        Reserve::Over(over) => {
            Dollars::None { why: over.reason.clone(), outcome: context.over_budget(over) }
        }
        Reserve::Held { reserved } => {
            let why = set_aside(reserved);
            Dollars::None { why, outcome: Outcome::Snooze(ASK_AGAIN) }
        }
    })
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

/// The model, the profile and the prompt of a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Its model.
    pub model: String,
    /// What its agent may do.
    pub profile: Profile,
    /// The prompt file whose text is added to the program's own.
    pub prompt_file: &'static str,
}

/// Reads the settings. A setting that another program made unreadable counts as not set.
pub async fn wishes(store: &Store) -> Result<Wishes> {
    Ok(read(&store.settings(settings::keys()).await?))
}

fn read(set: &BTreeMap<&'static str, Value>) -> Wishes {
    let number = |setting: Setting| setting.of(set).as_u64().unwrap_or(1);
    let minutes = |setting| Duration::from_mins(number(setting));
    let tier = |model: Setting, profile: Setting, prompt_file| Tier {
        model: Setting::text(&model.of(set)),
        profile: Setting::text(&profile.of(set)).parse().unwrap_or(Profile::ReadOnly),
        prompt_file,
    };
    Wishes {
        run_usd: RUN_BUDGET.of(set).as_f64().unwrap_or(1.0),
        max_turns: number(MAX_TURNS) as u32,
        wall: minutes(MAX_MINUTES),
        idle: minutes(IDLE_MINUTES),
        max_tier: number(MAX_TIER) as u8,
        tiers: [
            tier(TIER_1_MODEL, TIER_1_PROFILE, "tier_1_observe"),
            tier(TIER_2_MODEL, TIER_2_PROFILE, "tier_2_investigate"),
            tier(TIER_3_MODEL, TIER_3_PROFILE, "tier_3_remediate"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_is_offered_is_one_and_none_is_the_one_of_scans() {
        for offered in TIER_1_PROFILE.values.offered() {
            let profile: Profile = offered.word.parse().unwrap();
            assert_eq!((profile.as_str(), profile == Profile::Scan), (offered.word, false));
        }
        let plain = read(&BTreeMap::new());
        assert_eq!((plain.max_turns, plain.max_tier), (40, 1));
        assert_eq!(plain.tiers[2].profile, Profile::Workspace);
    }

    #[test]
    fn unreadable_settings_count_as_not_set() {
        let odd = BTreeMap::from([
            (MAX_TURNS.key, Value::from("many")),
            (MAX_TIER.key, Value::from(2)),
            (TIER_1_PROFILE.key, Value::from("scan")),
        ]);
        let read = read(&odd);
        assert_eq!((read.max_turns, read.max_tier), (40, 2));
        assert_eq!(read.tiers[0].profile, Profile::ReadOnly);
    }
}
