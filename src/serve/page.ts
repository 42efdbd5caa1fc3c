export const page = (name: string): string => `<!doctype html><title>${name}</title>`
