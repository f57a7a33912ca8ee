//! The clock of a file.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, OptionalExtension, params};

use super::fault::{meaning, unusable};
use crate::{StoreError, Timestamp, timestamp::millis};

/// What a machine knows of the time.
pub trait MachineTime: fmt::Debug + Send + Sync + 'static {
    /// What names the time since the machine was started, and no other.
    fn boot(&self) -> Result<String, StoreError>;

    /// How long ago it was started. No one sets this clock, and it counts on while the machine sleeps.
    fn since_boot(&self) -> Duration;

    /// The time of day, which may be wrong and may be set at any time.
    fn wall(&self) -> Timestamp;
}

/// The machine on which the process runs.
#[derive(Clone, Copy, Debug)]
pub struct Machine;

#[cfg(target_os = "linux")]
impl MachineTime for Machine {
    fn boot(&self) -> Result<String, StoreError> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let text = text.map_err(|error| unusable("the machine does not say when it was started", error))?;
        Ok(text.trim().to_owned())
    }

    fn since_boot(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        time.try_into().unwrap_or_default()
    }

    fn wall(&self) -> Timestamp {
        wall()
    }
}

/// Where there is no such clock, the time of day is the time of the file.
#[cfg(not(target_os = "linux"))]
impl MachineTime for Machine {
    fn boot(&self) -> Result<String, StoreError> {
        Ok("always".to_owned())
    }

    fn since_boot(&self) -> Duration {
        Duration::from_millis(wall().as_millis())
    }

    fn wall(&self) -> Timestamp {
        wall()
    }
}

fn wall() -> Timestamp {
    Timestamp::from_millis(millis(
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
    ))
}

/// The clock of a file: all processes that have it open see the same time, whatever happens to the clock of the machine.
///
/// The first process that opens the file after a start of the machine looks at the time of day, and from then on only how
/// long ago that was counts. Over a restart the time never goes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileClock {
    wall: Timestamp,
    since_boot: Duration,
}

impl FileClock {
    /// The clock that the file has, or gets now, within a transaction that may write.
    pub(super) fn of(connection: &Connection, machine: &dyn MachineTime) -> Result<Self, StoreError> {
        let boot = machine.boot()?;
        let known = connection
            .query_row(
                "SELECT boot, boot_wall, boot_since, last_seen FROM meta",
                [],
                |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .optional()
            .map_err(meaning)?;
        let (known, wall, since, last): (String, u64, u64, u64) = known.unwrap_or_default();
        if known == boot {
            return Ok(Self {
                wall: Timestamp::from_millis(wall),
                since_boot: Duration::from_millis(since),
            });
        }
        let since_boot = Duration::from_millis(millis(machine.since_boot()));
        let clock = Self {
            wall: machine.wall().max(Timestamp::from_millis(last)),
            since_boot,
        };
        connection
            .execute(
                "UPDATE meta SET boot = ?, boot_wall = ?, boot_since = ?",
                params![boot, super::columns::time_in(clock.wall), millis(since_boot)],
            )
            .map_err(meaning)?;
        Ok(clock)
    }

    /// The time.
    pub(super) fn now(self, machine: &dyn MachineTime) -> Timestamp {
        self.wall
            .plus(machine.since_boot().saturating_sub(self.since_boot))
    }
}
