//! Actions on settings, which admins change while the server runs, one or several at once.

use super::{Answer, Call, Right};
use crate::error::{Class, Code, Error, Result};
#[cfg(feature = "monitor")]
use crate::model::settings::SCAN_REPOSITORY;
use crate::model::settings::{self, CADENCE, ENABLED, JOBS_DAYS};
use crate::model::{
    Consequence, Role, ScheduleName, ServerFacts, Setting, SettingState, Timestamp, ValueType,
    Zone, is_known_model,
};
#[cfg(feature = "monitor")]
use crate::monitor::may_scan;
use crate::store::Store;
use crate::warn_coded;
use crate::wire;
use serde_json::Value;

/// The right to change settings.
pub const CHANGE: Right = Right::new(Role::Admin, "change the settings");

/// Whether a person of this role may change settings.
pub fn may_change(role: Role) -> bool {
    CHANGE.is_of(role)
}

/// The word that takes a setting back to its default.
const DEFAULT: &str = "default";

/// A change of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// The setting's name.
    pub key: String,
    /// Its new value as people type it; `default` takes it back to its default.
    pub text: String,
}

/// The refusal of changes to what somebody else has set since the person was shown it; `None` if there are none. `shown`
/// answers what the form showed of a setting, if it says so.
pub fn overtaken(
    changes: &[SettingChange],
    shown: impl Fn(&str) -> Option<String>,
    now: &[SettingState],
) -> Option<Error> {
    let refusal = |change: &SettingChange| {
        let (key, typed) = (&change.key, &change.text);
        let stored = now.iter().find(|state| state.setting.key == key)?.text();
        let is_overtaken = shown(key).is_some_and(|shown| shown != stored.trim());
        let why = format!(
            "set {key} to {typed:?}: somebody else has set it to {stored:?} since the form was opened; save again to \
             set it all the same"
        );
        is_overtaken.then(|| (format!("/{key}"), Error::new(Code::Overtaken, why)))
    };
    Error::of_fields(changes.iter().filter_map(refusal).collect())
}

impl SettingChange {
    /// A change that sets this value.
    pub fn set(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: key.into(), text: text.into() }
    }

    /// A change that takes the setting back to its default.
    pub fn reset(key: impl Into<String>) -> Self {
        Self::set(key, DEFAULT)
    }
}

/// Reads the words of a change: `KEY VALUE`, or `KEY=VALUE` for each of several.
///
/// # Errors
/// `JOB-VALUE-001` for words of another form.
pub fn parse_changes(words: &[String]) -> Result<Vec<SettingChange>> {
    let pair = |word: &String| {
        let (key, value) = word.split_once('=')?;
        settings::named(key.trim()).map(|setting| SettingChange::set(setting.key, value))
    };
    let refused = |why: &str| {
        let why = format!("read the settings: {why}");
        Err(Error::new(Code::ModelInvalid, why))
    };
    match words {
        [] => refused("write KEY VALUE, or KEY=VALUE for each of several"),
        [first, ..] if first.contains('=') => {
            let mut changes = Vec::with_capacity(words.len());
            for word in words {
                match (pair(word), word.split_once('=')) {
                    (Some(change), _) => changes.push(change),
                    (None, Some((key, _))) => return Err(unknown(key)),
                    (None, None) => return refused(&format!("{word:?} is not KEY=VALUE")),
                }
            }
            Ok(changes)
        }
        [key] => refused(&format!("there is no value for {key}")),
        [key, value] => Ok(vec![SettingChange::set(key, value)]),
        [key, value @ ..] => {
            let is_other = |word: &String| settings::named(word).is_some() || pair(word).is_some();
            if value.iter().any(is_other) {
                return refused("write several settings as KEY=VALUE each");
            }
            let whole = value.join(" ");
            refused(&format!(
                "a setting takes one value; quote one of several words: settings set {key} '{whole}'"
            ))
        }
    }
}

/// The setting of this name.
///
/// # Errors
/// `JOB-VALUE-001` for a name that no setting has.
pub fn named(key: &str) -> Result<&'static Setting> {
    settings::named(key.trim()).ok_or_else(|| unknown(key))
}

fn unknown(key: &str) -> Error {
    let known = settings::keys().join(", ");
    Error::new(Code::ModelInvalid, format!("find the setting {key:?}: the settings are {known}"))
}

/// How many days jobs are kept after their end, if their kind has no setting of its own.
///
/// # Errors
/// Those of reading the database.
pub async fn days_of_jobs(store: &Store) -> Result<u64> {
    let set = store.settings(vec![JOBS_DAYS.key]).await?;
    Ok(JOBS_DAYS.of(&set).as_u64().unwrap_or_default())
}

/// Changes settings: all of these, or none if one of them is refused. A running server follows at once.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `AUTH-LOGIN-005` for a change of the settings of agents or of the tracker by a
/// sign-in that is not fresh; `JOB-VALUE-001` for a name that no setting has and for a value that the setting
/// does not take, such as a repository that is not registered; the errors of [`may_scan`] for a change that lets scans run by themselves while the running server says
/// that it cannot take their findings to the tracker. The error says for each setting what is wrong with it.
pub async fn change(
    store: &Store,
    call: &Call,
    changes: &[SettingChange],
) -> Result<Answer<wire::SettingsChanged>> {
    call.needs(CHANGE)?;
    let set = store.settings(settings::keys()).await?;
    let server = store.server_facts(call.now).await?;
    let is_on = ENABLED.of(&set) == true;
    let (mut wanted, mut refused) = (Vec::<Wanted>::new(), Vec::new());
    for change in changes {
        let read = match judged(change, &wanted, (is_on, server.as_ref())) {
            Ok(wish) => registered(store, wish).await,
            refused => refused,
        };
        match read {
            Ok(wish) => wanted.push(wish),
            Err(error) => refused.push((pointer(&change.key), error)),
        }
    }
    if let Some(error) = Error::of_fields(refused) {
        return Err(error);
    }
    let differs = |wish: &&Wanted| set.get(wish.setting.key) != wish.value.as_ref();
    let news: Vec<_> = wanted.iter().filter(differs).collect();
    if news.iter().any(|wish| wish.setting.group.is_power()) {
        call.needs_fresh("change the settings of agents and of the tracker")?;
    }
    let stored = news.iter().map(|wish| (wish.setting.key, wish.value.clone())).collect();
    store.change_settings(stored, call.actor(), call.now).await.map_err(|error| {
        // The store refuses if another program has written a cadence that cannot be read.
        let is_cadence = error.class() == Class::Invalid;
        if is_cadence { error.of_field(pointer(CADENCE.key)) } else { error }
    })?;
    // The settings are changed: what cannot be read now is no reason to say that they are not.
    Ok(answer(store, &wanted, &news, (call.zone, call.now)).await.unwrap_or_else(|error| {
        warn_coded!(Code::WebInternal, "the settings are changed, but cannot be read: {error}");
        let keys: Vec<_> = wanted.iter().map(|wish| wish.setting.key).collect();
        let sentence = format!("What was asked for is saved: {}.", keys.join(", "));
        Answer::new(wire::SettingsChanged { status: "saved", settings: Vec::new() }, sentence)
    }))
}

/// A change that has been read.
struct Wanted {
    setting: &'static Setting,
    /// The new value; `None` is the default.
    value: Option<Value>,
}

fn read(change: &SettingChange) -> Result<Wanted> {
    let setting = named(&change.key)?;
    let text = Some(change.text.trim()).filter(|text| *text != DEFAULT);
    Ok(Wanted { setting, value: text.map(|text| setting.parse(text)).transpose()? })
}

/// Reads a change after those that are wanted already, and refuses what cannot hold.
fn judged(
    change: &SettingChange,
    wanted: &[Wanted],
    (is_on, server): (bool, Option<&ServerFacts>),
) -> Result<Wanted> {
    let wish = read(change)?;
    let setting = wish.setting;
    if wanted.iter().any(|other| other.setting.key == setting.key) {
        let why = format!("set {}: it is named twice", setting.key);
        return Err(Error::new(Code::ModelInvalid, why));
    }
    if setting.key == ENABLED.key && wish.value == Some(true.into()) && !is_on {
        may_begin(server)?;
    }
    Ok(wish)
}

/// The same change, for the setting that names a repository by the name of the registered one that has this name or number.
#[cfg(feature = "monitor")]
async fn registered(store: &Store, wish: Wanted) -> Result<Wanted> {
    let asked = wish.value.as_ref().map(Setting::text).filter(|name| !name.is_empty());
    let Some(asked) = asked.filter(|_| wish.setting.key == SCAN_REPOSITORY.key) else {
        return Ok(wish);
    };
    if store.is_guest() {
        return Ok(wish);
    }
    let Some(found) = store.repository(asked.clone()).await? else {
        let known = "no repository of this name is registered; add it first";
        let why = format!("set {} to {asked:?}: {known}", SCAN_REPOSITORY.key);
        return Err(Error::new(Code::ModelInvalid, why));
    };
    Ok(Wanted { value: Some(found.name.into()), ..wish })
}

/// A build without scans has no repositories.
#[cfg(not(feature = "monitor"))]
#[expect(clippy::unused_async, reason = "with the feature `monitor` it asks the store")]
async fn registered(_: &Store, wish: Wanted) -> Result<Wanted> {
    Ok(wish)
}

/// The JSON pointer of a setting's field.
fn pointer(key: &str) -> String {
    format!("/{}", key.trim())
}

async fn answer(
    store: &Store,
    wanted: &[Wanted],
    news: &[&Wanted],
    (zone, at): (Zone, Timestamp),
) -> Result<Answer<wire::SettingsChanged>> {
    let all = store.all_settings().await?;
    let now: Vec<_> = wanted
        .iter()
        .filter_map(|wish| all.iter().find(|state| state.setting.key == wish.setting.key))
        .collect();
    let is_new =
        |state: &&&SettingState| news.iter().any(|wish| wish.setting.key == state.setting.key);
    let words: Vec<_> = now.iter().filter(is_new).map(|state| in_words(state)).collect();
    let mut sentence = match (words.as_slice(), now.as_slice()) {
        ([], [one]) => format!("{} is {} already.", one.setting.key, one.text()),
        ([], _) => "Nothing changed: the settings are so already.".to_owned(),
        ([one], _) => format!("{one} from now on."),
        (several, _) => {
            format!("{} settings hold from now on: {}.", several.len(), several.join(", "))
        }
    };
    let moves_scans = |wish: &&Wanted| wish.setting.consequence == Consequence::ScanSchedule;
    if news.iter().any(moves_scans) {
        sentence.push_str(&scans(store, zone, at).await?);
    }
    let notes = news.iter().filter_map(|wish| foreign_model(wish)).collect();
    let settings = now.into_iter().map(wire::Setting::from).collect();
    Ok(Answer::new(wire::SettingsChanged { status: "saved", settings }, sentence).with_notes(notes))
}

/// Refuses scans that run by themselves while the running server says that they could file nothing.
#[cfg(feature = "monitor")]
fn may_begin(server: Option<&ServerFacts>) -> Result<()> {
    may_scan(server)
        .map_err(|why| Error::new(why.code(), format!("set {} to true", ENABLED.key)).because(why))
}

/// A build without scans says nothing of what they need.
#[cfg(not(feature = "monitor"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature `monitor` it can refuse")]
fn may_begin(_: Option<&ServerFacts>) -> Result<()> {
    Ok(())
}

fn in_words(state: &SettingState) -> String {
    let its_default = if state.is_set { "" } else { " (its default)" };
    format!("{} is {}{its_default}", state.setting.key, state.text())
}

/// The sentence that says when scans run by themselves, as things are now.
async fn scans(store: &Store, zone: Zone, now: Timestamp) -> Result<String> {
    let schedule = store.schedule(ScheduleName::SELF_MONITORING).await?;
    let schedule = schedule.filter(|schedule| schedule.paused_at.is_none());
    Ok(match schedule.map(|schedule| (schedule.next(now), schedule.plan)) {
        Some((Some(next), Ok(plan))) if next <= now => {
            format!(" Scans run by themselves, {}; the next one at once.", plan.rule.in_words())
        }
        Some((Some(next), Ok(plan))) => {
            let (words, next) = (plan.rule.in_words(), zone.in_full(next));
            format!(" Scans run by themselves, {words}; the next one at {next}.")
        }
        Some((None, Ok(_)) | (_, Err(_))) | None => " Scans run by Run Now only.".to_owned(),
    })
}

/// The note on a model's name that Lamplighter does not know.
fn foreign_model(wish: &Wanted) -> Option<String> {
    if !matches!(wish.setting.values, ValueType::Model) {
        return None;
    }
    let name = wish.value.as_ref()?.as_str()?;
    (!is_known_model(name)).then(|| {
        format!(
            "The agent program knows opus, sonnet, haiku and full names with \"claude\" in them. It is given the model \
             {name:?} as it is; if it does not know it, runs with {} fail.",
            wish.setting.key
        )
    })
}
