"""Learning: few-shot networks whose weights live on crossbars and adapt in one write.

Nothing is imported here, so that `import meta` stays light. The folders are its nouns, from
`data` to `commands`; docs/architecture.md has their order.
"""
