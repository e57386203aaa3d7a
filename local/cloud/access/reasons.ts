/** Grants of the profile `full` that no call of the recorded run needs, with the reason why the program makes them. */
export const NOT_NEEDED_HERE: Readonly<Record<string, string>> = {};
