//! `Pump`: events of the scan into the results, progress onto the terminal, one at a time.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_util::{FutureExt, StreamExt};
use scanner_core::{Findings, Progress, ScanEvent, ScanReport};
use scanner_net::{Scan, ScanControl, ScanError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Console, Ending, Output, ProgressLine, ReverseNames, Sink, SinkError};
use crate::clock;
use crate::keys::{self, Key, Keys};
use crate::vendors::Vendors;

/// How often the progress is looked at while nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// One format on its way to one place.
pub(super) struct Channel {
    output: Box<dyn Output + Send>,
    /// Where the result goes, or why it no longer goes anywhere.
    sink: Result<Sink, SinkError>,
    file: Option<PathBuf>,
}

impl Channel {
    pub(super) fn new(output: Box<dyn Output + Send>, sink: Sink, file: Option<PathBuf>) -> Self {
        Self { output, sink: Ok(sink), file }
    }

    fn event(&mut self, event: &ScanEvent, at: SystemTime, console: &Console) {
        let Self { output, sink: Ok(sink), .. } = self else { return };
        let written = output.event(event, at, sink).map_err(SinkError::from);
        let written = written.and_then(|()| console.suspend(|| sink.relieve()));
        self.mind(written);
    }

    fn hand_on(&mut self, console: &Console) {
        let Ok(sink) = &mut self.sink else { return };
        if sink.is_idle() {
            return;
        }
        let written = console.suspend(|| sink.hand_on());
        self.mind(written);
    }

    /// A scan that finds nothing would never notice that its reader is gone.
    fn check_reader(&mut self) {
        if self.sink.as_ref().is_ok_and(Sink::is_closed) {
            self.mind(Err(SinkError::Closed));
        }
    }

    fn mind(&mut self, written: Result<(), SinkError>) {
        if let Err(error) = written {
            self.sink = Err(error);
        }
    }

    fn finish(self, ending: &Ending<'_>) -> Result<(), SinkError> {
        let Self { mut output, sink, .. } = self;
        let mut sink = sink?;
        output.finish(ending, &mut sink)?;
        sink.finish()
    }
}

/// What became of the results.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// How many are complete.
    pub(super) complete: usize,
    /// The files among these.
    pub(super) files: Vec<PathBuf>,
    /// Those that are lost, and why; no file is standard output.
    pub(super) failed: Vec<(Option<PathBuf>, io::Error)>,
}

/// Moves events into the results until the scan ends, or until nobody wants them any more.
pub(super) struct Pump {
    channels: Vec<Channel>,
    /// What is compared with the baseline, where there is one.
    findings: Option<Findings>,
    console: Console,
    line: ProgressLine,
    names: ReverseNames,
    vendors: Vendors,
    cancel: CancellationToken,
    paused: bool,
}

impl Pump {
    pub(super) fn new(
        channels: Vec<Channel>,
        findings: Option<Findings>,
        console: Console,
        line: ProgressLine,
        names: ReverseNames,
    ) -> Self {
        let cancel = names.cancel().clone();
        Self { channels, findings, console, line, names, vendors: Vendors::new(), cancel, paused: false }
    }

    /// Runs until the last event and returns the report. Where no result can be written any more the scan is cancelled.
    pub(super) async fn run(&mut self, mut scan: Scan) -> Result<ScanReport, ScanError> {
        let mut progress = scan.progress();
        let control = scan.control();
        let mut keys = Keys::listen();
        let mut tick = tokio::time::interval(TICK);
        loop {
            self.show(&mut progress);
            while let Some(key) = keys.pressed() {
                self.obey(key, &control, &progress).await;
            }
            // While events are waiting they are only collected; they are handed on when there is a pause.
            let event = if let Some(event) = scan.next().now_or_never() {
                event
            } else {
                self.each(Channel::hand_on);
                tokio::select! {
                    biased;
                    event = scan.next() => event,
                    named = self.names.next() => {
                        self.take(&named);
                        continue;
                    }
                    key = keys.next() => {
                        self.obey(key, &control, &progress).await;
                        continue;
                    }
                    _ = tick.tick() => {
                        self.each(|channel, _| channel.check_reader());
                        continue;
                    }
                }
            };
            match event {
                Some(ScanEvent::ScanEnd(end)) => {
                    self.drain().await;
                    self.take(&ScanEvent::ScanEnd(end));
                }
                Some(event) => self.pass(event),
                None => break,
            }
        }
        let mut report = scan.finish().await?;
        self.names.complete(&mut report);
        self.vendors.name_all(&mut report);
        Ok(report)
    }

    /// Hands an event on, or a host that has its name now in its place; and whoever has waited long enough while there was no
    /// pause.
    fn pass(&mut self, mut event: ScanEvent) {
        self.vendors.name(&mut event);
        if let Some(event) = self.names.pass(event) {
            self.take(&event);
        }
        while self.names.is_holding()
            && let Some(named) = self.names.next().now_or_never()
        {
            self.take(&named);
        }
    }

    /// Waits for the names of the last hosts.
    async fn drain(&mut self) {
        self.each(Channel::hand_on);
        while self.names.is_holding() {
            let named = self.names.next().await;
            self.take(&named);
        }
        if let Some(note) = self.names.note() {
            self.console.note(&note);
        }
    }

    async fn obey(&mut self, key: Key, control: &ScanControl, progress: &watch::Receiver<Progress>) {
        match key {
            Key::Status => {
                let slowest = control.slowest_host().await;
                let slowest = slowest.map_or(String::new(), |host| format!(" · slowest: {host}"));
                let now = *progress.borrow();
                self.console.plain_line(&format!("{}{slowest}", self.line.line(&now)));
            }
            Key::Skip => match control.slowest_host().await {
                Some(host) => {
                    control.skip_host(host);
                    self.console.note(&format!("{host} is skipped; s again skips the next"));
                }
                None => self.console.note("no host is being scanned"),
            },
            Key::Pause => {
                self.paused = !self.paused;
                self.line.set_paused(self.paused);
                if self.paused {
                    control.pause();
                    self.console.note("paused; p goes on");
                } else {
                    control.resume();
                    self.console.note("going on");
                }
            }
            Key::Quit => {
                self.console.note("stopping; what was found is kept");
                control.cancel();
            }
            Key::Help => self.console.plain_line(keys::HELP),
        }
    }

    /// What the scan found, where it is to be compared.
    pub(super) fn take_findings(&mut self) -> Option<Findings> {
        self.findings.take()
    }

    /// Writes the rest.
    pub(super) fn finish(self, ending: &Ending<'_>) -> Written {
        let Self { channels, console, .. } = self;
        let mut written = Written::default();
        console.suspend(|| {
            for channel in channels {
                let file = channel.file.clone();
                match channel.finish(ending) {
                    Ok(()) => {
                        written.complete += 1;
                        written.files.extend(file);
                    }
                    Err(SinkError::Closed) => {}
                    Err(SinkError::Failed(error)) => written.failed.push((file, error)),
                }
            }
        });
        written
    }

    fn take(&mut self, event: &ScanEvent) {
        if let ScanEvent::Note(note) = event {
            self.console.note(&note.note.message);
        }
        if let (ScanEvent::Host(finished), Some(findings)) = (event, &mut self.findings) {
            findings.add(&finished.host);
        }
        // One time for all: the formats tell of the same moment.
        let at = clock::now();
        self.each(|channel, console| channel.event(event, at, console));
    }

    fn each(&mut self, mut task: impl FnMut(&mut Channel, &Console)) {
        for channel in &mut self.channels {
            task(channel, &self.console);
        }
        if self.channels.iter().all(|channel| channel.sink.is_err()) {
            self.cancel.cancel();
        }
    }

    fn show(&mut self, progress: &mut watch::Receiver<Progress>) {
        if progress.has_changed().unwrap_or(false) {
            let now = *progress.borrow_and_update();
            self.line.update(&now, &self.console);
        }
    }
}
