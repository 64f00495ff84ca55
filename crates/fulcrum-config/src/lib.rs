//! What should run: discovery, layered settings, diagnostics.
