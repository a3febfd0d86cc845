// Times and durations in words.

/** `21:04:09`. */
export function clockTime(unixMillis: number): string {
  return new Date(unixMillis).toLocaleTimeString("en-GB");
}

/** `23 Nov 2026, 21:04:09`. */
export function dateAndTime(unixMillis: number): string {
  return new Date(unixMillis).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** Whole seconds left: `9`, from 100 on `4:05`. */
export function countdown(millis: number): string {
  const seconds = Math.max(0, Math.ceil(millis / 1000));
  if (seconds < 100) return String(seconds);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** `38 ms`. */
export function duration(millis: number): string {
  return `${Math.max(1, Math.round(millis))} ms`;
}
