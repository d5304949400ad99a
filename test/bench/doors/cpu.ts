/** Loaded before a server's own program: tells the process that started it how much CPU time it has taken, as often as it asks. */
process.on("message", (message) => {
  if (message !== "cpu") return;
  const { user, system } = process.cpuUsage();
  process.send!({ cpuNs: (user + system) * 1_000 });
});
process.once("disconnect", () => process.exit());
