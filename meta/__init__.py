"""Learning: few-shot networks whose weights live on crossbars and adapt in one write.

Nothing is imported here, so that `import meta` stays light; the nouns are modules:
`datasets`, `tasks`, `network`, `learners`, `hardware`, `circuit`, `train`, `evaluate`,
`adaptation`, `deploy`, `validate`, `reproduction`.
"""
