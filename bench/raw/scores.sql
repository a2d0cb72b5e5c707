select text_key, positive, label from scores
