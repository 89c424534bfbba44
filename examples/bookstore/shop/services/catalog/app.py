BOOKS = ["The Trial", "Solaris", "Momo"]


def list_books():
    return BOOKS
