"""Write the centre's ids in one way: answers and receipts of one message often differ.

In case, in leading zeros, or one is hexadecimal and the other decimal.
"""

from hubbub_sms_smpp.fields import ReceiptIds


def as_answered(message_id: str) -> str:
    """Return the id of a ``submit_sm_resp`` as it is compared."""
    return message_id.strip().lower().lstrip("0") or "0"


def as_received(message_id: str, form: ReceiptIds) -> str:
    """Return the id of a receipt as that of its ``submit_sm_resp`` is compared."""
    plain = as_answered(message_id)
    try:
        if form == "hex_to_dec":
            return str(int(plain, 16))
        if form == "dec_to_hex":
            return f"{int(plain):x}"
    except ValueError:
        pass  # no number of this kind: what cannot be turned is compared as it is
    return plain
