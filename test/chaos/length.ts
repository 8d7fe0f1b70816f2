/** Hours of a machine that has nothing else to do, not seconds of every change: `CHAOS=long`. */
export const isLong = process.env.CHAOS === 'long';
