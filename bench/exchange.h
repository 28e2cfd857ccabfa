// How fast two threads hand a cache line to each other and back: what every step of a parallel
// layer costs, and what data costs that another core has made.
//
// A few tens of nanoseconds where the cores share a last-level cache, several times that where they
// don't. A virtual machine's cores may be moved from one to the other while it runs, which no
// figure inside it tells but this one.
#pragma once

namespace octet::bench {

// Seconds of a round trip, the median of short samples; about 20 ms. Two threads spin.
double exchange_seconds();

}  // namespace octet::bench
