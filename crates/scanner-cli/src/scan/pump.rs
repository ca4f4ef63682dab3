//! `Pump`: events of the scan into the result, progress onto the terminal, one at a time.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use scanner_core::{Progress, ScanEvent, ScanReport};
use scanner_net::{Scan, ScanError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Console, Ending, Output, ProgressLine, ReverseNames, Sink, SinkError};

/// How often the progress is looked at while nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// Moves events into the result until the scan ends, or until nobody wants it any more.
pub(super) struct Pump {
    output: Box<dyn Output + Send>,
    /// Where the result goes, or why it no longer goes anywhere.
    sink: Result<Sink, SinkError>,
    console: Console,
    line: ProgressLine,
    names: ReverseNames,
    cancel: CancellationToken,
}

impl Pump {
    pub(super) fn new(
        output: Box<dyn Output + Send>,
        sink: Sink,
        console: Console,
        line: ProgressLine,
        names: ReverseNames,
    ) -> Self {
        let cancel = names.cancel().clone();
        Self { output, sink: Ok(sink), console, line, names, cancel }
    }

    /// Runs until the last event and returns the report. A result that can no longer be written cancels the scan.
    pub(super) async fn run(&mut self, mut scan: Scan) -> Result<ScanReport, ScanError> {
        let mut progress = scan.progress();
        let mut tick = tokio::time::interval(TICK);
        loop {
            self.show(&mut progress);
            // While events are waiting they are only collected; they are handed on when there is a pause.
            let event = if let Some(event) = scan.next().now_or_never() {
                event
            } else {
                self.hand_on();
                tokio::select! {
                    biased;
                    event = scan.next() => event,
                    named = self.names.next() => {
                        self.take(&named);
                        continue;
                    }
                    _ = tick.tick() => {
                        self.check_reader();
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
        Ok(report)
    }

    /// Writes the rest.
    pub(super) fn finish(self, ending: &Ending<'_>) -> Result<(), SinkError> {
        let Self { mut output, sink, console, .. } = self;
        let mut sink = sink?;
        console.suspend(|| {
            output.finish(ending, &mut sink)?;
            sink.finish()
        })
    }

    /// Hands an event on, or a host that has its name now in its place; and whoever has waited long enough while there was no
    /// pause.
    fn pass(&mut self, event: ScanEvent) {
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
        self.hand_on();
        while self.names.is_holding() {
            let named = self.names.next().await;
            self.take(&named);
        }
        if let Some(note) = self.names.note() {
            self.console.note(&note);
        }
    }

    fn take(&mut self, event: &ScanEvent) {
        if let ScanEvent::Note(note) = event {
            self.console.note(&note.note.message);
        }
        let Self { output, .. } = self;
        let Ok(sink) = &mut self.sink else { return };
        let written = output.event(event, sink).map_err(SinkError::from);
        let written = written.and_then(|()| self.console.suspend(|| sink.relieve()));
        self.mind(written);
    }

    fn hand_on(&mut self) {
        let Ok(sink) = &mut self.sink else { return };
        if sink.is_idle() {
            return;
        }
        let written = self.console.suspend(|| sink.hand_on());
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
