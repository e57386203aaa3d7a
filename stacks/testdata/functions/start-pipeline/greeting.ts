/** What is hashed. */
export const greeting = (name: string): string => `start ${name}`;
