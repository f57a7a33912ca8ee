//! What the dispatcher promises, over real sockets against servers on 127.0.0.1 and by the real clock.

mod addresses;
mod breaker;
mod connections;
mod faults;
mod hosts;
mod isolation;
mod lab;
mod origin;
mod programs;
mod rate;
mod tls;
mod unread;
mod vias;
