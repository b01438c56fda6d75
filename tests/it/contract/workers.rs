//! The contract about workers: their leases, who leads, what each process says of itself.

use super::{Leader, add, job, kind, later, rules};
use crate::support::{Played, START};
use lamplighter::Code;
use lamplighter::model::{
    Differing, Epoch, KindRules, Process, Queue, Registration, Service, WorkerId,
};
use lamplighter::store::Store;

pub async fn a_lease_goes_on_with_each_beat_until_it_is_lost(store: &Store) {
    let worker =
        Played { worker: WorkerId::parse("a").unwrap(), kinds: vec![rules()], leads: None };
    let registration = Registration {
        worker: worker.worker.clone(),
        process: Process { pid: 1, start: None },
        is_server: true,
        kinds: worker.kinds.clone().into(),
        limits: Vec::new(),
        slots: 10,
        replaces: None,
    };
    let differing = store.register(registration.clone(), START).await.unwrap();
    assert_eq!(differing, Differing::default(), "nobody else has it");
    store.expect_registered(registration.clone().into()).await.unwrap();
    let changed = [
        Registration { limits: vec![(rules().queue, 1)], ..registration.clone() },
        Registration {
            kinds: [KindRules { max_attempts: rules().max_attempts + 1, ..rules() }].into(),
            ..registration
        },
    ];
    for other in changed {
        let refused = store.expect_registered(other.into()).await.unwrap_err();
        assert_eq!(refused.code(), Code::EngineLost, "the rows say something else");
    }
    store.serve_no_more(worker.worker.clone()).await.unwrap();
    assert!(!store.workers().await.unwrap()[0].is_server);
    store.beat(worker.worker.clone(), later(1)).await.unwrap();
    let row = store.workers().await.unwrap().remove(0);
    assert_eq!((row.heartbeat_at, row.beat, row.lost_at), (later(1), 2, None));
    let kinds = store.registered_kinds().await.unwrap();
    assert_eq!(kinds.iter().map(|one| &one.rules.kind).collect::<Vec<_>>(), [&kind()]);
    assert_eq!(store.processes(later(1)).await.unwrap().at_work.len(), 0, "nobody has the lock");
    assert!(store.server_facts(later(1)).await.unwrap().is_none());
    assert_eq!(store.notes_for(&kind(), later(1)).await.unwrap().len(), 1, "nothing runs it");

    let leader = Played::registered(store, "b", vec![rules()], vec![], START).await;
    let name = leader.worker.clone();
    let epoch = store.lead(name.clone(), Epoch(0), None, START).await.unwrap().unwrap();
    let late = store.lead(worker.worker.clone(), Epoch(0), None, START).await.unwrap();
    assert_eq!(late, None, "another one was faster");
    assert_eq!(store.leader().await.unwrap().worker, Some(name.clone()));
    let gone = |beat| vec![(worker.worker.clone(), beat)];
    let bury = |beat| store.bury((name.clone(), epoch), gone(beat), later(2));
    assert!(bury(1).await.unwrap().is_empty(), "it has beaten since");
    assert_eq!(bury(2).await.unwrap(), std::slice::from_ref(&worker.worker));
    let refused = store.beat(worker.worker.clone(), later(3)).await.unwrap_err();
    assert_eq!(refused.code(), Code::EngineLost, "P9");
    store.resign(name.clone(), epoch).await.unwrap();
    assert_eq!(store.leader().await.unwrap().worker, None);
    let poll = leader.request(vec![]);
    let refused = store.poll(lamplighter::model::PollRequest { leads: Some(epoch), ..poll }, START);
    assert_eq!(refused.await.unwrap_err().code(), Code::EngineReplaced, "P9");
    store.retire(name, later(4)).await.unwrap();
    assert!(store.workers().await.unwrap().iter().all(|row| row.lost_at.is_some()));
}

pub async fn a_limit_holds_while_a_program_that_sets_it_is_at_work(store: &Store) {
    let mail = Queue::parse("mail").unwrap();
    let begins = |name: &str, limits: &[u32]| {
        let registration = Registration {
            worker: WorkerId::parse(name).unwrap(),
            process: Process { pid: 1, start: None },
            is_server: false,
            kinds: vec![rules()].into(),
            limits: limits.iter().map(|limit| (mail.clone(), *limit)).collect(),
            slots: 10,
            replaces: None,
        };
        async move { store.register(registration, START).await.unwrap().queues }
    };
    let ends = |name: &str| store.retire(WorkerId::parse(name).unwrap(), START);
    let limit = async || {
        let queues = store.queues().await.unwrap();
        queues.into_iter().find(|queue| queue.name == mail).unwrap().engine_limit
    };
    assert!(begins("old", &[5]).await.is_empty());
    assert!(begins("new", &[]).await.is_empty());
    assert_eq!(limit().await, Some(5), "the old program is still at work");
    ends("old").await.unwrap();
    assert_eq!(limit().await, None, "the new one sets none");
    begins("one", &[5]).await;
    assert_eq!(begins("other", &[3]).await, std::slice::from_ref(&mail), "they differ");
    assert_eq!(limit().await, Some(3), "the newest holds");
    ends("other").await.unwrap();
    assert_eq!(limit().await, Some(5));
    let leader = Played::leading(store, "leader", vec![rules()], vec![], START).await;
    assert_eq!(limit().await, None, "the others are lost");
    begins("last", &[4]).await;
    store.retire(leader.worker, START).await.unwrap();
    ends("last").await.unwrap();
    assert_eq!(limit().await, Some(4), "it is shown until a program says another");
}

pub fn the_lock_tells_that_its_holder_is_dead(store: &Store) {
    let (a, b) = (WorkerId::parse("a").unwrap(), WorkerId::parse("b").unwrap());
    let held = store.try_lead(&a).unwrap().unwrap();
    assert!(held.died().is_none() && store.try_lead(&b).unwrap().is_none());
    held.give_up();
    let held = store.try_lead(&b).unwrap().unwrap();
    assert!(held.died().is_none(), "who gave it up is not dead");
    drop(held);
    assert_eq!(store.try_lead(&a).unwrap().unwrap().died(), Some(&b));
}

pub async fn what_waited_for_a_handler_goes_on_with_one(store: &Store) {
    let other = KindRules::new(lamplighter::model::Kind::parse("other").unwrap());
    let mut leader = Leader::of(store, "w", other).await;
    let id = add(store, job()).await;
    assert!(leader.claim(9).await.is_empty());
    let why = store.why(id, START).await.unwrap().unwrap();
    assert!(!why.gates.is_empty(), "{why:?}");
    let mut leader = Leader::new(store, "x").await;
    let mut from = Some(String::new());
    while let Some(after) = from {
        from = store.unblock(vec![rules()].into(), after).await.unwrap();
    }
    assert_eq!(leader.claim(9).await.len(), 1);
    assert!(store.whys(vec![id], START).await.unwrap().contains_key(&id));
}

pub fn a_process_says_what_it_is(store: &Store) {
    let mut changed = store.says_changed();
    changed.borrow_and_update();
    store.say(|facts| facts.agent = None);
    assert!(!changed.has_changed().unwrap(), "nothing is new");
    let service = Service::Pruner;
    store.ran(&service, START, Ok::<_, std::fmt::Error>("removed nothing".into()));
    assert!(store.says().services.contains_key(&service.to_string()));
}
