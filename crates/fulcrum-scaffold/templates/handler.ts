// Handles messages of the type {{request_type}}.
async {{method}}(payload: Record<string, unknown>) {
  return { success: true, received: payload };
}
