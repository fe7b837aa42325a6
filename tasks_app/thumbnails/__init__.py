"""Thumbnails of the images in a ZIP archive, whoever made the archive. Plain Python, Pillow and gettext.

`archive` reads what an archive says about itself and refuses what is dangerous or doubled, `picture` scales one image,
`album` puts the thumbnails of many batches into one archive. What is refused is refused by name and with a reason.
"""
