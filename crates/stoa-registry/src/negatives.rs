//! Services that are known to be unknown.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::ServiceName;

/// Services that the registry has said to be unknown, for a while. The oldest go when there are too many.
#[derive(Debug)]
pub(crate) struct Negatives {
    until: HashMap<ServiceName, Instant>,
    order: VecDeque<(Instant, ServiceName)>,
    ttl: Duration,
    most: usize,
}

impl Negatives {
    pub(crate) fn new(ttl: Duration, most: usize) -> Self {
        Self {
            until: HashMap::new(),
            order: VecDeque::new(),
            ttl,
            most,
        }
    }

    pub(crate) fn has(&self, service: &ServiceName, now: Instant) -> bool {
        self.until.get(service).is_some_and(|until| *until > now)
    }

    pub(crate) fn insert(&mut self, service: ServiceName, now: Instant) {
        self.sweep(now);
        if self.order.len() >= self.most
            && let Some((until, oldest)) = self.order.pop_front()
        {
            self.forget(&oldest, until);
        }
        let until = now + self.ttl;
        self.until.insert(service.clone(), until);
        self.order.push_back((until, service));
    }

    /// A node of it has come.
    pub(crate) fn remove(&mut self, service: &ServiceName) {
        self.until.remove(service);
    }

    pub(crate) fn clear(&mut self) {
        self.until.clear();
        self.order.clear();
    }

    /// When none will be left, if no more come.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.order.back().map(|(until, _)| *until)
    }

    pub(crate) fn len(&self) -> usize {
        self.until.len()
    }

    pub(crate) fn sweep(&mut self, now: Instant) {
        while let Some((until, service)) = self.order.pop_front_if(|(until, _)| *until <= now) {
            self.forget(&service, until);
        }
    }

    /// Forgets an entry, unless it was made anew.
    fn forget(&mut self, service: &ServiceName, until: Instant) {
        if self.until.get(service) == Some(&until) {
            self.until.remove(service);
        }
    }
}
