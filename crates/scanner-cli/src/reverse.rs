//! The names of hosts, looked up from their addresses while the scan runs.
//!
//! A look-up begins with the host's first answer. A host that is finished before its name is known waits for it, for a moment
//! only: the scan itself, the ports, and the other hosts never do.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use scanner_core::{HostAddr, HostFinished, HostStatus, PortState, ReverseName, ScanEvent, ScanReport};
use scanner_dns::{ResolveError, ResolveErrorKind, Resolver, Reverse};
use tokio::task::JoinSet;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use crate::settings::WhoseNames;

/// How long a finished host waits for its name. It bounds by how much the names delay the end of a scan.
const WAIT: Duration = Duration::from_secs(1);

/// How many look-ups may be under way, most of them waiting for their turn: as many as name servers of a local network
/// answer within [`WAIT`].
const UNDER_WAY: usize = 4_096;

/// After this many failures without one answer between them there is nobody who knows names.
const FAILURES: u32 = 16;

type Answer = Result<Reverse, ResolveError>;
type LookUp = Arc<dyn Fn(IpAddr) -> BoxFuture<'static, Answer> + Send + Sync>;

/// Looks names up and puts them into what the scan found.
pub(crate) struct ReverseNames {
    /// Asks; nobody once that has proved useless.
    look_up: Option<LookUp>,
    whose: WhoseNames,
    cancel: CancellationToken,
    /// Hosts that were asked about and are not handed on yet.
    hosts: BTreeMap<HostAddr, Host>,
    /// When the finished ones among them have waited long enough, the first one first; some may have gone on since.
    deadlines: VecDeque<(Pin<Box<Sleep>>, HostAddr)>,
    /// The finished ones that can go on.
    ready: VecDeque<HostAddr>,
    /// How many are finished and have not gone on.
    holding: usize,
    look_ups: JoinSet<(HostAddr, Answer)>,
    /// The names of hosts that the report holds in full.
    names: BTreeMap<HostAddr, ReverseName>,
    failures: u32,
    /// How many hosts went without an answer, and the last reason.
    missed: u64,
    why: Option<ResolveErrorKind>,
}

/// A host whose name was asked for.
#[derive(Debug, Default)]
struct Host {
    name: Name,
    /// All that was found out, once it is finished.
    finished: Option<HostFinished>,
}

/// What is known of a host's name.
#[derive(Debug, Default)]
enum Name {
    /// It is being looked up.
    #[default]
    Asked,
    /// It is known, or it is known that there is none, or that nobody can say.
    Known(Option<ReverseName>),
}

impl Host {
    const fn is_asked(&self) -> bool {
        matches!(self.name, Name::Asked)
    }
}

impl ReverseNames {
    pub(crate) fn new(resolver: Resolver, whose: WhoseNames, cancel: CancellationToken) -> Self {
        let until = cancel.clone();
        let look_up: LookUp = Arc::new(move |ip| {
            let (resolver, until) = (resolver.clone(), until.clone());
            Box::pin(async move { resolver.reverse(ip, &until).await })
        });
        Self::with(look_up, whose, cancel)
    }

    fn with(look_up: LookUp, whose: WhoseNames, cancel: CancellationToken) -> Self {
        Self {
            look_up: Some(look_up),
            whose,
            cancel,
            hosts: BTreeMap::new(),
            deadlines: VecDeque::new(),
            ready: VecDeque::new(),
            holding: 0,
            look_ups: JoinSet::new(),
            names: BTreeMap::new(),
            failures: 0,
            missed: 0,
            why: None,
        }
    }

    /// Takes an event on its way to the output and gives it back with the name in it, or keeps it until the name is known.
    pub(crate) fn pass(&mut self, event: ScanEvent) -> Option<ScanEvent> {
        if let ScanEvent::Host(finished) = event {
            return self.hold(finished);
        }
        if let ScanEvent::Port(port) = &event
            && (port.result.state == PortState::Open || port.result.reason.is_answer_of_host())
        {
            self.ask(port.ip);
        }
        Some(event)
    }

    /// What ends the scan ends every look-up.
    pub(crate) const fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Whether some host waits for its name.
    pub(crate) fn is_holding(&self) -> bool {
        self.holding > 0
    }

    /// The next host that has waited, with its name or without; never, while none waits. Nothing is lost where this is dropped
    /// before it is done.
    pub(crate) async fn next(&mut self) -> ScanEvent {
        loop {
            if let Some(event) = self.release() {
                return event;
            }
            while self.deadlines.front().is_some_and(|(_, ip)| !self.is_waiting(*ip)) {
                self.deadlines.pop_front();
            }
            let Some((deadline, _)) = self.deadlines.front_mut() else { return std::future::pending().await };
            tokio::select! {
                biased;
                Some(answer) = self.look_ups.join_next() => {
                    // One that was given up has no answer, and its host does not wait.
                    if let Ok((ip, answer)) = answer {
                        self.answered(ip, answer);
                    }
                }
                () = deadline.as_mut() => self.give_up_first(ResolveErrorKind::TimedOut(WAIT)),
                () = self.cancel.cancelled() => self.give_up_first(ResolveErrorKind::Cancelled),
            }
        }
    }

    /// Puts the names into the report.
    pub(crate) fn complete(&mut self, report: &mut ScanReport) {
        for host in &mut report.hosts {
            host.ptr = self.names.remove(&host.ip);
        }
    }

    /// What there is to say when the scan has ended.
    pub(crate) fn note(&self) -> Option<String> {
        let why = self.why.as_ref().filter(|why| **why != ResolveErrorKind::Cancelled)?;
        let hosts = if self.missed == 1 { "a host".into() } else { format!("{} hosts", self.missed) };
        Some(format!("the name of {hosts} could not be looked up ({why}); -n looks none up"))
    }

    fn ask(&mut self, ip: HostAddr) {
        // The name of a loopback address is known to everybody.
        if self.whose == WhoseNames::Off || ip.ip().is_loopback() || self.hosts.contains_key(&ip) {
            return;
        }
        let host = self.hosts.entry(ip).or_default();
        match &self.look_up {
            Some(look_up) if self.look_ups.len() < UNDER_WAY => {
                let answer = look_up(ip.ip());
                self.look_ups.spawn(async move { (ip, answer.await) });
            }
            look_up => {
                host.name = Name::Known(None);
                self.missed += 1;
                if look_up.is_some() {
                    self.why = Some(ResolveErrorKind::TimedOut(WAIT));
                }
            }
        }
    }

    fn hold(&mut self, finished: HostFinished) -> Option<ScanEvent> {
        let ip = finished.host.ip;
        if finished.host.status == HostStatus::Up || self.whose == WhoseNames::All {
            self.ask(ip);
        }
        let Some(host) = self.hosts.get_mut(&ip) else { return Some(ScanEvent::Host(finished)) };
        host.finished = Some(finished);
        self.holding += 1;
        if host.is_asked() {
            self.deadlines.push_back((Box::pin(tokio::time::sleep(WAIT)), ip));
        } else {
            self.ready.push_back(ip);
        }
        // The answer may have come while nobody waited.
        while let Some(Ok((ip, answer))) = self.look_ups.try_join_next() {
            self.answered(ip, answer);
        }
        self.release()
    }

    /// A host that is finished and can go on.
    fn release(&mut self) -> Option<ScanEvent> {
        let ip = self.ready.pop_front()?;
        self.holding -= 1;
        let host = self.hosts.remove(&ip)?;
        let mut finished = host.finished?;
        if let Name::Known(name) = host.name {
            finished.host.ptr = name;
        }
        let in_full = finished.host.verdict.is_some() || finished.host.open().next().is_some();
        if let Some(name) = finished.host.ptr.as_ref().filter(|_| in_full) {
            self.names.insert(ip, name.clone());
        }
        Some(ScanEvent::Host(finished))
    }

    fn is_waiting(&self, ip: HostAddr) -> bool {
        self.hosts.get(&ip).is_some_and(|host| host.finished.is_some() && host.is_asked())
    }

    fn answered(&mut self, ip: HostAddr, answer: Answer) {
        let failed =
            answer.as_ref().err().map(|error| error.kind.clone()).filter(ResolveErrorKind::is_temporary);
        self.failures = if failed.is_some() { self.failures + 1 } else { 0 };
        if self.settle(ip, answer.ok().and_then(Reverse::into_name))
            && let Some(why) = failed
        {
            self.miss(why);
        }
        if self.failures >= FAILURES {
            self.give_up_all();
        }
    }

    /// Keeps the name of a host that has none yet, and lets it go on where it is finished.
    fn settle(&mut self, ip: HostAddr, name: Option<ReverseName>) -> bool {
        let Some(host) = self.hosts.get_mut(&ip).filter(|host| host.is_asked()) else { return false };
        host.name = Name::Known(name);
        if host.finished.is_some() {
            self.ready.push_back(ip);
        }
        true
    }

    fn give_up_first(&mut self, why: ResolveErrorKind) {
        let Some((_, ip)) = self.deadlines.pop_front() else { return };
        if self.settle(ip, None) {
            self.miss(why);
        }
    }

    fn give_up_all(&mut self) {
        self.look_up = None;
        self.look_ups.abort_all();
        let open = self.hosts.iter().filter(|(_, host)| host.is_asked());
        for ip in open.map(|(ip, _)| *ip).collect::<Vec<_>>() {
            self.missed += u64::from(self.settle(ip, None));
        }
    }

    fn miss(&mut self, why: ResolveErrorKind) {
        self.missed += 1;
        self.why = Some(why);
    }
}

#[cfg(test)]
mod tests;
