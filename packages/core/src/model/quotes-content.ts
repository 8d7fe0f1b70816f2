const WINDOW = 16;

/**
 * Says whether a message holds one of the texts, or 16 consecutive characters of one. Servers quote what they
 * refuse, and content belongs into no error message.
 */
export function quotesContent(message: string, texts: readonly string[]): boolean {
  const quotes = (text: string) => {
    if (text.length < WINDOW) return text.trim().length > 3 && message.includes(text);
    for (let start = 0; start + WINDOW <= message.length; start++)
      if (text.includes(message.slice(start, start + WINDOW))) return true;
    return false;
  };
  return texts.some(quotes);
}
