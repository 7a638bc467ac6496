// Waits for a condition with a generous limit; says what it waited for where it never came.

export async function waitFor(what: string, isTrue: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const untilMs = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > untilMs) throw new Error(`waited ${limitMs / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
