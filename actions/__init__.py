"""plan -> preflight -> diff -> confirm -> execute -> verify -> journal."""
