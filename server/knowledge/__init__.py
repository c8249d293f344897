"""Knowledge: articles that anybody may read without a sign-in, written and reviewed by the desk.

model.py tables · rules.py what an article is and who may publish it · markdown.py text to safe HTML
store.py versions, states, search, counts · public_pages.py /help · desk_pages.py /knowledge
"""
