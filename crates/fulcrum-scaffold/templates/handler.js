// Handles messages of the type {{request_type}}.
async {{method}}(payload) {
  return { success: true, received: payload };
}
