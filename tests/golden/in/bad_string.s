{ debug: comment "never ends }
