"""Be the provider of the channels whose window stands on people's own sites.

Read it in the order in which a visitor meets it: ``pages`` (the loader and the frame, told by
``config``), ``desk`` (who asks: ``visitors``, ``places``), ``sessions`` (``identity``), ``calls``
and ``work`` (what they say: ``bodies``, ``limits``, ``flood``, ``uploads``, kept by ``reception``),
``shown`` (the numbers of messages), ``stream`` (news). ``letters`` go to who has gone before the
answer came, and ``inspection`` looks at all that from outside.
"""
