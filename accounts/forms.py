from allauth.account.forms import SignupForm


class FirmSignupForm(SignupForm):
    pass
