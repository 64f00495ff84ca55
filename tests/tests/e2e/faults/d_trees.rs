//! Section D, a domain's processes: stops, trees, orphans, zombies, reused numbers.
