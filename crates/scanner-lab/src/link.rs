//! `Link`: what one direction of a wire does to packets. Pure: time is an argument, and chance comes from a seed.

use std::time::Duration;

use serde::Deserialize;

use crate::seed::Choices;

/// What one direction of a wire does to packets, in this order: a narrow queue, loss, delay. The default does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Link {
    /// How long a packet is on its way.
    pub delay: Duration,
    /// How far `delay` varies up and down; at most `delay`.
    pub jitter: Duration,
    /// Each packet draws its own delay, and overtakes those that drew a longer one. Without it the delay wanders, as it does
    /// where queues elsewhere fill and drain, and packets stay in order.
    pub reorder: bool,
    /// The chance that a packet is lost, each for itself; 0 to 1.
    pub loss: f64,
    /// Loss in bursts, on top of `loss`.
    pub bursts: Option<Bursts>,
    /// A bottleneck.
    pub queue: Option<Queue>,
}

/// Loss in bursts (Gilbert and Elliott): the wire is good or bad, and what it is may change with every packet.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// The chance that a bad stretch begins with this packet; 0 to 1.
    pub begin: f64,
    /// The chance that it ends with this packet; 0 to 1. A stretch has 1 / `end` packets on average.
    pub end: f64,
    /// The chance that a packet of a bad stretch is lost; 0 to 1.
    pub loss: f64,
}

/// A bottleneck that drops what does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// How fast it drains; at least 1.
    pub packets_per_second: u32,
    /// How many packets wait at most, the one that is being sent included; at least 1.
    pub length: u32,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrives at this time.
    Arrives(Duration),
    /// The queue was full.
    Dropped,
    /// It got lost on the way.
    Lost,
}

/// One direction at work. The fate of packet number n depends on the seed, on n, and on when it and those before it were sent.
#[derive(Debug)]
pub(crate) struct Lane {
    link: Link,
    single_loss: Choices,
    stretches: Choices,
    stretch_loss: Choices,
    delays: Choices,
    packets: u64,
    in_bad_stretch: bool,
    /// When the queue has sent all it holds.
    queue_empty: Duration,
    last_arrival: Duration,
}

impl Lane {
    /// `name` tells the two directions of a wire apart.
    pub(crate) fn new(link: Link, seed: u64, name: &str) -> Self {
        let choices = |what: &str| Choices::new(seed, &format!("{name} {what}"));
        Self {
            link,
            single_loss: choices("loss"),
            stretches: choices("stretches"),
            stretch_loss: choices("loss in a stretch"),
            delays: choices("delay"),
            packets: 0,
            in_bad_stretch: false,
            queue_empty: Duration::ZERO,
            last_arrival: Duration::ZERO,
        }
    }

    /// Takes the next packet. `now` never goes back.
    pub(crate) fn send(&mut self, now: Duration) -> Fate {
        let packet = self.packets;
        self.packets += 1;
        let is_lost = self.is_lost(packet);
        let Some(sent) = self.leave_queue(now) else { return Fate::Dropped };
        if is_lost {
            return Fate::Lost;
        }
        let mut arrival = sent + self.delay(packet, sent);
        if !self.link.reorder {
            arrival = arrival.max(self.last_arrival);
            self.last_arrival = arrival;
        }
        Fate::Arrives(arrival)
    }

    /// When the packet is through the bottleneck, if there is room for it.
    fn leave_queue(&mut self, now: Duration) -> Option<Duration> {
        let Some(queue) = self.link.queue else { return Some(now) };
        let one = Duration::from_secs(1) / queue.packets_per_second.max(1);
        let backlog = self.queue_empty.saturating_sub(now);
        if backlog > one * queue.length.saturating_sub(1) {
            return None;
        }
        self.queue_empty = self.queue_empty.max(now) + one;
        Some(self.queue_empty)
    }

    fn is_lost(&mut self, packet: u64) -> bool {
        let mut is_lost = self.single_loss.fraction(packet) < self.link.loss;
        if let Some(bursts) = self.link.bursts {
            let change = self.stretches.fraction(packet);
            self.in_bad_stretch =
                if self.in_bad_stretch { change >= bursts.end } else { change < bursts.begin };
            is_lost |= self.in_bad_stretch && self.stretch_loss.fraction(packet) < bursts.loss;
        }
        is_lost
    }

    fn delay(&self, packet: u64, sent: Duration) -> Duration {
        let Link { delay, jitter, reorder, .. } = self.link;
        if jitter.is_zero() {
            return delay;
        }
        let chance = if reorder { self.delays.fraction(packet) } else { self.wandering(sent) };
        delay.saturating_sub(jitter) + jitter.mul_f64(2.0 * chance)
    }

    /// A value from 0 to 1 that changes slowly: straight lines between points of chance. The steepest takes 2 × jitter off the
    /// delay in 4 × jitter, so that no packet would overtake another.
    fn wandering(&self, sent: Duration) -> f64 {
        let step = self.link.jitter * 4;
        let position = sent.as_secs_f64() / step.as_secs_f64();
        let index = sent.as_nanos() / step.as_nanos().max(1);
        let index = u64::try_from(index).unwrap_or(u64::MAX - 1);
        let [from, to] = [index, index + 1].map(|index| self.delays.fraction(index));
        from + (to - from) * position.fract()
    }
}

#[cfg(test)]
mod tests;
